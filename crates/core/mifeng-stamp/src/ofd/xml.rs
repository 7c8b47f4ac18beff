//! XML of OFD as a tree: UTF-8, no document type, no entities but the five of XML, bounded.

use crate::Error;
use crate::error::limit;
use quick_xml::NsReader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

/// Bytes of the largest file that is read as a tree: a page of a table has 2 MiB.
pub(super) const XML_LEN_MAX: usize = 16 << 20;
/// Elements inside elements: page blocks nest to about 8.
const DEPTH_MAX: usize = 64;
/// Elements of one file.
const ELEMENTS_MAX: usize = 400_000;
/// Attributes of one element: text objects have about 20. Each is compared with all before it.
const ATTRIBUTES_MAX: usize = 64;
/// Namespaces declared by one element: each prefix is looked for among all that are open.
const NAMESPACES_MAX: usize = 16;
/// The namespace of the standard.
pub(super) const NAMESPACE: &str = "http://www.ofdspec.org/2016";
/// What older products write.
const OLDER: &str = "http://www.ofdspec.org";

/// An element of OFD. Elements of other namespaces have an empty name, so nothing finds them.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    text: String,
}

/// A file read as a tree.
pub(super) struct Tree {
    pub(super) root: Element,
    /// Whether an older namespace was used.
    pub(super) older: bool,
}

impl Element {
    /// The one child of this name, if there is exactly one.
    pub(super) fn one(&self, name: &str, file: &str) -> Result<&Element, Error> {
        self.at_most_one(name, file)?
            .ok_or_else(|| broken(file, "an element is missing"))
    }

    /// The child of this name, if there is one; two are refused.
    pub(super) fn at_most_one(&self, name: &str, file: &str) -> Result<Option<&Element>, Error> {
        let mut all = self.children.iter().filter(|child| child.name == name);
        let first = all.next();
        match all.next() {
            Some(_) => Err(broken(file, "an element occurs twice")),
            None => Ok(first),
        }
    }

    pub(super) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The text without white space around it.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }
}

/// Reads a file whose root has this name.
pub(super) fn parse(file: &str, bytes: &[u8], root: &str) -> Result<Tree, Error> {
    limit("XML file", bytes.len(), XML_LEN_MAX)?;
    let text = core::str::from_utf8(bytes).map_err(|_| broken(file, "not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = NsReader::from_str(text);
    let resolver = reader.resolver_mut();
    resolver.set_max_declarations_per_element(NAMESPACES_MAX);
    let mut builder = Builder {
        file,
        open: Vec::new(),
        done: None,
        older: false,
        count: 0,
    };
    loop {
        let (namespace, event) = reader
            .read_resolved_event()
            .map_err(|_| broken(file, "not well-formed XML"))?;
        let known = match namespace {
            ResolveResult::Bound(found) if found.0 == NAMESPACE.as_bytes() => true,
            ResolveResult::Bound(found) if found.0 == OLDER.as_bytes() => {
                builder.older = true;
                true
            }
            ResolveResult::Unknown(_) => return Err(broken(file, "a prefix is not declared")),
            _ => false,
        };
        match event {
            Event::Start(start) => builder.begin(&start, known)?,
            Event::Empty(start) => {
                builder.begin(&start, known)?;
                builder.end()?;
            }
            Event::End(_) => builder.end()?,
            Event::Text(text) => {
                let text = text.decode().map_err(|_| broken(file, "not UTF-8"))?;
                builder.text(&text)?;
            }
            Event::CData(text) => {
                let text = text.decode().map_err(|_| broken(file, "not UTF-8"))?;
                builder.text(&text)?;
            }
            Event::GeneralRef(reference) => {
                let wrong = || broken(file, "an entity of its own");
                let named = reference.decode().map_err(|_| wrong())?;
                match reference.resolve_char_ref().map_err(|_| wrong())? {
                    Some(sign) => builder.text(sign.encode_utf8(&mut [0; 4]))?,
                    None => builder.text(resolve_xml_entity(&named).ok_or_else(wrong)?)?,
                }
            }
            Event::DocType(_) => return Err(broken(file, "a document type declaration")),
            Event::Decl(decl) => check_encoding(file, decl.encoding())?,
            Event::PI(_) => return Err(broken(file, "a processing instruction")),
            Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    let found = builder.finish()?;
    if found.root.name != root {
        return Err(broken(file, "another root element than expected"));
    }
    Ok(found)
}

fn check_encoding<E, B: AsRef<[u8]>>(file: &str, found: Option<Result<B, E>>) -> Result<(), Error> {
    match found {
        None => Ok(()),
        Some(Ok(name)) if name.as_ref().eq_ignore_ascii_case(b"utf-8") => Ok(()),
        Some(_) => Err(broken(file, "another encoding than UTF-8")),
    }
}

struct Builder<'f> {
    file: &'f str,
    open: Vec<Element>,
    done: Option<Element>,
    older: bool,
    count: usize,
}

impl Builder<'_> {
    fn begin(&mut self, start: &BytesStart<'_>, known: bool) -> Result<(), Error> {
        if self.done.is_some() {
            return Err(broken(self.file, "two root elements"));
        }
        self.count += 1;
        limit("elements of an XML file", self.count, ELEMENTS_MAX)?;
        limit("depth of an XML file", self.open.len() + 1, DEPTH_MAX)?;
        let mut element = Element::default();
        if known {
            let local = start.local_name();
            element.name = String::from_utf8_lossy(local.as_ref()).into_owned();
        }
        for (attribute, count) in start.attributes().zip(1..) {
            limit("attributes of an element", count, ATTRIBUTES_MAX)?;
            let wrong = || broken(self.file, "an attribute is broken or occurs twice");
            let attribute = attribute.map_err(|_| wrong())?;
            let key = attribute.key.as_ref();
            if key.contains(&b':') || key == b"xmlns" {
                continue;
            }
            let value = attribute.normalized_value(XmlVersion::Explicit1_0);
            let key = String::from_utf8_lossy(key).into_owned();
            element
                .attributes
                .push((key, value.map_err(|_| wrong())?.into_owned()));
        }
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        let unmatched = || broken(self.file, "not well-formed XML");
        let element = self.open.pop().ok_or_else(unmatched)?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.done = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(broken(self.file, "text outside the root element")),
        }
        Ok(())
    }

    fn finish(self) -> Result<Tree, Error> {
        match (self.done, self.open.is_empty()) {
            (Some(root), true) => Ok(Tree {
                root,
                older: self.older,
            }),
            _ => Err(broken(self.file, "not well-formed XML")),
        }
    }
}

/// An [`Error::Document`].
pub(super) fn broken(file: &str, rule: &'static str) -> Error {
    Error::Document {
        file: file.to_owned(),
        rule,
    }
}

/// Text for an element or an attribute.
pub(super) fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}
