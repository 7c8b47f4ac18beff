//! Who opens bids under a notice's policy, in words; and what that asks of bidders after the deadline.

use crate::notice::Notice;
use mifeng_lock::{Leaf, Node};

/// What comes of a bidder who does not release its own leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnLeaf {
    /// The policy has none.
    Absent,
    /// Others can open the bid without it (补救方案).
    Replaceable,
    /// Without it nobody can.
    Needed,
}

impl Notice {
    /// What comes of a bidder who does not release its own leaf.
    pub fn own_leaf(&self) -> OwnLeaf {
        let leaves = self.policy.leaves();
        let others = leaves.iter().filter(|(_, leaf)| *leaf != Leaf::Bidder);
        let others: Vec<&str> = others.map(|(path, _)| path.as_str()).collect();
        match others.len() == leaves.len() {
            true => OwnLeaf::Absent,
            false if self.policy.is_satisfied_by(&others) => OwnLeaf::Replaceable,
            false => OwnLeaf::Needed,
        }
    }

    /// What bidders have to do after the deadline, in Chinese and English; none where they need not do anything.
    pub fn asks_of_bidders(&self) -> Option<(String, String)> {
        let (zh, en) = span(self.window_ms);
        match self.own_leaf() {
            OwnLeaf::Absent => None,
            OwnLeaf::Needed => Some((
                format!(
                    "投标人须在截标后 {zh}内解密，否则视为撤销其投标文件（电子招标投标办法31条）"
                ),
                format!(
                    "bidders must release within {en} after the deadline, or their bid counts as revoked (20 art. 31)"
                ),
            )),
            OwnLeaf::Replaceable => Some((
                format!(
                    "投标人须在截标后 {zh}内解密；未解密的只能按补救方案开启，仍打不开的视为撤销其投标文件（电子招标投标办法31条）"
                ),
                format!(
                    "bidders must release within {en} after the deadline; else only the remedy opens their bid, and what it does not open counts as revoked (20 art. 31)"
                ),
            )),
        }
    }

    /// Who together opens a bid, in Chinese and English.
    pub fn opened_by(&self) -> (String, String) {
        let (zh, en) = self.of_node(self.policy.root(), true);
        match self.policy.root() {
            Node::Gate { k, of } if usize::from(*k) == of.len() && of.len() > 1 => {
                (zh + "，缺一不可", en + ", all of them")
            }
            _ => (zh, en),
        }
    }

    fn of_node(&self, node: &Node, is_root: bool) -> (String, String) {
        let (k, of) = match node {
            Node::Leaf(leaf) => {
                let (zh, en) = self.of_leaf(leaf);
                return (zh.to_owned(), en.to_owned());
            }
            Node::Gate { of, .. } if of.len() == 1 => return self.of_node(&of[0], is_root),
            Node::Gate { k, of } => (usize::from(*k), of),
        };
        let (zh, en): (Vec<_>, Vec<_>) = of.iter().map(|one| self.of_node(one, false)).unzip();
        let (zh, en) = match k {
            1 => (zh.join("或"), en.join(" or ")),
            k if k == of.len() => (zh.join("与"), en.join(" and ")),
            k => (
                format!("{}中任 {k} 项", zh.join("、")),
                format!("{k} of {}", en.join(", ")),
            ),
        };
        match is_root {
            true => (zh, en),
            false => (format!("（{zh}）"), format!("({en})")),
        }
    }

    fn of_leaf(&self, leaf: &Leaf) -> (&'static str, &'static str) {
        match leaf {
            Leaf::Bidder => ("投标人本人", "the bidder"),
            Leaf::Cert(_) => ("指定证书的持有人", "the holder of a named certificate"),
            Leaf::Group(key) if *key == self.board => ("开标委员会", "the opening board"),
            Leaf::Group(_) => ("备用委员会", "the fallback board"),
            Leaf::Reveal(_) => ("本项目专用密钥", "the one-time key"),
            Leaf::Tlock { .. } => ("时钟信标", "a beacon"),
        }
    }
}

/// Minutes where it is whole ones, else seconds.
fn span(millis: u64) -> (String, String) {
    match millis.is_multiple_of(60_000) {
        true => {
            let minutes = millis / 60_000;
            (format!("{minutes} 分钟"), format!("{minutes} minutes"))
        }
        false => {
            let seconds = millis.div_ceil(1_000);
            (format!("{seconds} 秒"), format!("{seconds} seconds"))
        }
    }
}
