//! DER as a tree that a test may bend.

/// An element: its tag, and its children or its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub tag: u8,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Bytes(Vec<u8>),
    Nodes(Vec<Node>),
}

impl Node {
    pub fn bytes(tag: u8, bytes: &[u8]) -> Self {
        Node {
            tag,
            body: Body::Bytes(bytes.to_vec()),
        }
    }

    pub fn nodes(tag: u8, nodes: Vec<Node>) -> Self {
        Node {
            tag,
            body: Body::Nodes(nodes),
        }
    }

    pub fn parse(der: &[u8]) -> Self {
        let mut all = read(der);
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    /// The element at this path of places.
    pub fn at(&mut self, path: &[usize]) -> &mut Node {
        path.iter()
            .fold(self, |node, place| &mut node.children()[*place])
    }

    pub fn children(&mut self) -> &mut Vec<Node> {
        match &mut self.body {
            Body::Nodes(nodes) => nodes,
            Body::Bytes(_) => panic!("no children"),
        }
    }

    pub fn value(&self) -> Vec<u8> {
        match &self.body {
            Body::Bytes(bytes) => bytes.clone(),
            Body::Nodes(nodes) => nodes.iter().flat_map(Node::der).collect(),
        }
    }

    pub fn der(&self) -> Vec<u8> {
        let value = self.value();
        let mut out = vec![self.tag];
        if value.len() < 0x80 {
            out.push(value.len() as u8);
        } else {
            let digits = value.len().to_be_bytes();
            let skip = digits.iter().take_while(|d| **d == 0).count();
            out.push(0x80 | (digits.len() - skip) as u8);
            out.extend_from_slice(&digits[skip..]);
        }
        [out, value].concat()
    }

    /// The same in BER of indefinite length, wherever it is constructed.
    pub fn ber(&self) -> Vec<u8> {
        match &self.body {
            Body::Bytes(_) => self.der(),
            Body::Nodes(nodes) => {
                let inner: Vec<u8> = nodes.iter().flat_map(Node::ber).collect();
                [&[self.tag, 0x80][..], &inner, &[0, 0]].concat()
            }
        }
    }
}

fn read(mut der: &[u8]) -> Vec<Node> {
    let mut out = Vec::new();
    while !der.is_empty() {
        let (tag, first) = (der[0], usize::from(der[1]));
        let (head, len) = match first {
            0..=0x7f => (2, first),
            _ => {
                let count = first & 0x7f;
                let digits = &der[2..2 + count];
                let len = digits.iter().fold(0, |n, d| n << 8 | usize::from(*d));
                (2 + count, len)
            }
        };
        let value = &der[head..head + len];
        out.push(match tag & 0x20 {
            0 => Node::bytes(tag, value),
            _ => Node::nodes(tag, read(value)),
        });
        der = &der[head + len..];
    }
    out
}
