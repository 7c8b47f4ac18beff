//! OFD.xml and Document.xml: where the pages and the signatures are.

use super::Package;
use super::place::Rect;
use super::xml::{self, Element, broken};
use crate::Error;
use crate::error::limit;
use std::collections::BTreeSet;

/// Pages of a document: a bid of ten volumes.
pub const PAGES_MAX: usize = 5_000;
/// The entry to every package.
pub(super) const ENTRY: &str = "OFD.xml";

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its ID.
    pub id: String,
    /// Its content file.
    pub file: String,
}

/// What OFD.xml and Document.xml say.
#[derive(Clone, Debug)]
pub struct Document {
    /// Document.xml, from the root of the package.
    pub root: String,
    /// Signatures.xml, from the root of the package, if the document names one.
    pub signatures: Option<String>,
    /// The title, if there is one.
    pub title: Option<String>,
    /// The pages in their order.
    pub pages: Vec<Page>,
    /// The usual size of a page.
    pub page_box: Option<Rect>,
    /// Whether older namespaces were met.
    pub older: bool,
}

impl Document {
    /// Reads the two files. A package of several documents is refused: a reader that shows the
    /// second while the first is signed would mislead.
    ///
    /// # Errors
    /// [`Error::Document`], [`Error::Package`], [`Error::TooLarge`].
    pub fn read(package: &Package<'_>) -> Result<Self, Error> {
        let bytes = package.read(ENTRY, xml::XML_LEN_MAX)?;
        let entry = xml::parse(ENTRY, &bytes, "OFD")?;
        let mut bodies = entry.root.all("DocBody");
        let body = bodies
            .next()
            .ok_or_else(|| broken(ENTRY, "no document in it"))?;
        if bodies.next().is_some() {
            return Err(broken(ENTRY, "several documents in one package"));
        }
        let root = resolve(ENTRY, body.one("DocRoot", ENTRY)?.text())?;
        let signatures = body.at_most_one("Signatures", ENTRY)?;
        let signatures = signatures.filter(|e| !e.text().is_empty());
        let signatures = signatures.map(|e| resolve(ENTRY, e.text())).transpose()?;
        let title = body.at_most_one("DocInfo", ENTRY)?;
        let title = match title {
            Some(info) => info
                .at_most_one("Title", ENTRY)?
                .map(|e| e.text().to_owned()),
            None => None,
        };
        let bytes = package.read(&root, xml::XML_LEN_MAX)?;
        let tree = xml::parse(&root, &bytes, "Document")?;
        let common = tree.root.one("CommonData", &root)?;
        let page_box = common.at_most_one("PageArea", &root)?.and_then(physical);
        Ok(Document {
            pages: pages(&tree.root, &root)?,
            signatures,
            title,
            page_box,
            older: entry.older || tree.older,
            root,
        })
    }

    /// The folder that the document's own files lie in, with its `/`; empty for the root.
    #[must_use]
    pub fn folder(&self) -> &str {
        folder(&self.root)
    }

    /// The folder that holds a page's own files, or its content file where pages share a folder.
    pub(super) fn own_of<'p>(&self, page: &'p Page) -> &'p str {
        let home = folder(&page.file);
        let inside = |other: &&Page| other.file.starts_with(home);
        // A folder that holds the document's file too is no page's own.
        let shared = self.pages.iter().filter(inside).count() > 1 || self.root.starts_with(home);
        if shared { &page.file } else { home }
    }

    /// The size of a page: its own, or else the document's.
    ///
    /// # Errors
    /// Those of reading the page's content file.
    pub fn page_box_of(&self, package: &Package<'_>, page: &Page) -> Result<Option<Rect>, Error> {
        let bytes = package.read(&page.file, xml::XML_LEN_MAX)?;
        let tree = xml::parse(&page.file, &bytes, "Page")?;
        let own = tree
            .root
            .at_most_one("Area", &page.file)?
            .and_then(physical);
        Ok(own.or(self.page_box))
    }
}

fn physical(area: &Element) -> Option<Rect> {
    area.all("PhysicalBox")
        .next()
        .and_then(|e| Rect::parse(e.text()))
}

fn pages(root: &Element, file: &str) -> Result<Vec<Page>, Error> {
    let list = root.one("Pages", file)?;
    let (mut out, mut ids) = (Vec::new(), BTreeSet::new());
    for page in list.all("Page") {
        let missing = || broken(file, "a page without ID or BaseLoc");
        let id = page.attribute("ID").ok_or_else(missing)?.to_owned();
        let at = resolve(file, page.attribute("BaseLoc").ok_or_else(missing)?)?;
        if !ids.insert(id.clone()) {
            return Err(broken(file, "two pages with one ID"));
        }
        out.push(Page { id, file: at });
        limit("pages", out.len(), PAGES_MAX)?;
    }
    Ok(out)
}

/// The folder of a file, with its `/`.
pub(super) fn folder(file: &str) -> &str {
    file.rfind('/').map_or("", |at| &file[..=at])
}

/// `ST_Loc`: from the root if it begins with `/`, else from the folder of the file that names it.
/// Never out of the package, and in one way only.
pub(super) fn resolve(from: &str, loc: &str) -> Result<String, Error> {
    let path = match loc.strip_prefix('/') {
        Some(rest) => rest.to_owned(),
        None => format!("{}{}", folder(from), loc.strip_prefix("./").unwrap_or(loc)),
    };
    let wrong = |part: &str| part.is_empty() || part == "." || part == ".." || part.contains('\\');
    if path.len() > 1_024 || path.split('/').any(wrong) {
        return Err(broken(
            from,
            "a location that leaves the package or is empty",
        ));
    }
    Ok(path)
}
