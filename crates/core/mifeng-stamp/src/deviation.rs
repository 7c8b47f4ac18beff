//! What products in the field do against the standard, read all the same and reported.

use core::fmt;

/// A departure from the standard that changes nothing of what was signed by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Deviation {
    /// An SM2 signature value as the 64 bytes r‖s instead of its DER.
    RawSignature,
    /// The time stamp under an implicit tag (80) where the standard has an explicit one (A0).
    ImplicitTimeStamp,
    /// extDatas under another tag than the standard's.
    ExtensionTag,
    /// `critical` written out although it has its default value.
    ExplicitDefault,
    /// UTCTime where the standard has GeneralizedTime, or the reverse.
    TimeForm,
    /// A string of another type than the standard's.
    StringType,
    /// The bare SM2 identifier where SM2-with-SM3 is meant.
    SignatureIdentifier,
    /// A version number of GM/T 0031-2014 other than 1.
    VersionNumber,
    /// The time of a version 1 signature as other text than UTCTime.
    TimeText,
    /// The picture is of another kind than the seal says.
    PictureType,
    /// Bytes follow the end of the picture.
    PictureTail,
    /// CheckMethod by name where the identifier is written today.
    CheckMethodName,
    /// A text of SignatureDateTime that the standard does not have.
    DateTimeText,
    /// The namespace of OFD without `www` or otherwise as older products write it.
    Namespace,
    /// propertyInfo is not the absolute path of Signature.xml.
    Property,
    /// A SubFilter of a PDF signature that no standard has.
    SubFilter,
    /// Time stamp or signed data departs from its own standard; see its own report.
    Message,
}

impl Deviation {
    /// A stable name for machines.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Deviation::RawSignature => "raw-signature",
            Deviation::ImplicitTimeStamp => "implicit-time-stamp",
            Deviation::ExtensionTag => "extension-tag",
            Deviation::ExplicitDefault => "explicit-default",
            Deviation::TimeForm => "time-form",
            Deviation::StringType => "string-type",
            Deviation::SignatureIdentifier => "signature-identifier",
            Deviation::VersionNumber => "version-number",
            Deviation::TimeText => "time-text",
            Deviation::PictureType => "picture-type",
            Deviation::PictureTail => "picture-tail",
            Deviation::CheckMethodName => "check-method-name",
            Deviation::DateTimeText => "date-time-text",
            Deviation::Namespace => "namespace",
            Deviation::Property => "property",
            Deviation::SubFilter => "sub-filter",
            Deviation::Message => "message",
        }
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Deviation::RawSignature => "SM2 signature as 64 bare bytes",
            Deviation::ImplicitTimeStamp => "time stamp under an implicit tag",
            Deviation::ExtensionTag => "extDatas under another tag",
            Deviation::ExplicitDefault => "default value of an extension written out",
            Deviation::TimeForm => "time of the other ASN.1 type",
            Deviation::StringType => "string of another ASN.1 type",
            Deviation::SignatureIdentifier => "bare SM2 identifier for SM2 with SM3",
            Deviation::VersionNumber => "unusual version number of GM/T 0031-2014",
            Deviation::TimeText => "signing time as other text than UTCTime",
            Deviation::PictureType => "picture of another kind than stated",
            Deviation::PictureTail => "bytes after the end of the picture",
            Deviation::CheckMethodName => "digest method by name",
            Deviation::DateTimeText => "unusual text of the signing date",
            Deviation::Namespace => "older namespace of OFD",
            Deviation::Property => "propertyInfo that is not the path of Signature.xml",
            Deviation::SubFilter => "format name that no standard has",
            Deviation::Message => "time stamp or signed data departs from its own standard",
        })
    }
}

/// Notes a deviation once.
pub(crate) fn note(list: &mut Vec<Deviation>, found: Deviation) {
    if !list.contains(&found) {
        list.push(found);
    }
}
