//! What later revisions changed, and whether they may (ISO 32000-2 section 12.8.2.2).

use super::Level;
use crate::report::Finding;

/// Kinds of change after a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ChangeKind {
    /// A later signature.
    SignatureAdded,
    /// A seal of a later signature, in a field that was not there.
    SealAdded,
    /// A time stamp of the document.
    StampAdded,
    /// Material for long-term validation.
    ValidationAdded,
    /// Metadata of the document.
    MetadataChanged,
    /// A form field got another value or another look.
    FormFilled,
    /// A form field that is not a signature.
    FieldAdded,
    /// An annotation that was not there: it can lie over what was signed.
    AnnotationAdded,
    /// An annotation that is gone, moved or changed.
    AnnotationChanged,
    /// A signature field that was signed shows another seal, elsewhere, or is gone.
    SealChanged,
    /// What a page shows: its content, fonts, pictures.
    ContentChanged,
    /// Pages added, removed, replaced, turned or cut.
    PagesChanged,
    /// Anything else that the catalogue names: actions, attachments, layers, names.
    CatalogChanged,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// What kind.
    pub kind: ChangeKind,
    /// Where: a page, a field, a key.
    pub place: String,
}

/// What a change does to a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// Nothing that is shown.
    Silent,
    /// Expressly permitted by who certified.
    Told,
    /// Shown, and not what was signed.
    Uncovered,
    /// Breaks it.
    Forbidden,
}

impl ChangeKind {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.names().0
    }
    /// In Chinese.
    #[must_use]
    pub fn zh(self) -> &'static str {
        self.names().1
    }
    /// In English.
    #[must_use]
    pub fn en(self) -> &'static str {
        self.names().2
    }

    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            ChangeKind::SignatureAdded => ("pdf.signature-added", "后加签名", "a later signature"),
            ChangeKind::SealAdded => (
                "pdf.seal-added",
                "后加签名在新增的签名域显示印章",
                "a later signature shows a seal in a new field",
            ),
            ChangeKind::StampAdded => (
                "pdf.stamp-added",
                "后加文档时间戳",
                "a time stamp of the document",
            ),
            ChangeKind::ValidationAdded => (
                "pdf.validation-added",
                "后加长期验证信息",
                "validation material",
            ),
            ChangeKind::MetadataChanged => (
                "pdf.metadata-changed",
                "元数据有变动",
                "metadata of the document changed",
            ),
            ChangeKind::FormFilled => (
                "pdf.form-filled",
                "签名后表单域的值或外观有变动",
                "a form field was filled or looks different",
            ),
            ChangeKind::FieldAdded => (
                "pdf.field-added",
                "签名后增加了表单域",
                "a form field was added",
            ),
            ChangeKind::AnnotationAdded => (
                "pdf.annotation-added",
                "签名后增加了批注，可能遮盖已签内容",
                "an annotation was added, which can lie over what was signed",
            ),
            ChangeKind::AnnotationChanged => (
                "pdf.annotation-changed",
                "签名后批注被改动或移除",
                "an annotation was changed or removed",
            ),
            ChangeKind::SealChanged => (
                "pdf.seal-changed",
                "已签名域的外观、位置或内容被改动",
                "a signed field was changed, moved or shows another seal",
            ),
            ChangeKind::ContentChanged => (
                "pdf.content-changed",
                "签名后页面内容、字体或图像被改动",
                "what a page shows was changed",
            ),
            ChangeKind::PagesChanged => (
                "pdf.pages-changed",
                "签名后页面被增删、替换或改变",
                "pages were added, removed, replaced or altered",
            ),
            ChangeKind::CatalogChanged => (
                "pdf.catalog-changed",
                "签名后文档目录（附件、动作、图层等）被改动",
                "attachments, actions, layers or other parts were changed",
            ),
        }
    }

    /// Under which certification a change has which weight. Without one, whoever signed has
    /// permitted nothing: what is shown beyond the signed revision is not covered.
    pub(super) fn weight(self, level: Option<Level>, locked: bool) -> Weight {
        use ChangeKind as K;
        match (self, level) {
            (K::ValidationAdded | K::StampAdded | K::MetadataChanged, _) => Weight::Silent,
            (K::SignatureAdded, Some(Level::NoChanges)) => Weight::Forbidden,
            (K::SignatureAdded, _) => Weight::Silent,
            // Who certified has given no place for it: its picture can lie over anything.
            (K::SealAdded, None) => Weight::Silent,
            (K::SealAdded, Some(Level::Annotations)) => Weight::Uncovered,
            (K::FormFilled, _) if locked => Weight::Forbidden,
            (K::FormFilled, Some(Level::Forms | Level::Annotations)) => Weight::Told,
            (K::AnnotationAdded | K::AnnotationChanged, Some(Level::Annotations)) => {
                Weight::Uncovered
            }
            (K::FormFilled | K::FieldAdded | K::AnnotationAdded | K::AnnotationChanged, None) => {
                Weight::Uncovered
            }
            _ => Weight::Forbidden,
        }
    }
}

impl Change {
    pub(super) fn new(kind: ChangeKind, place: impl Into<String>) -> Self {
        Change {
            kind,
            place: place.into(),
        }
    }

    pub(super) fn finding(&self) -> Finding {
        Finding::new(
            self.kind.code(),
            format!("{}（{}）", self.kind.zh(), self.place),
            format!("{} ({})", self.kind.en(), self.place),
        )
    }
}
