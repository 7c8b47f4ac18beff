//! Who can open, in words.

use crate::audit::Text;
use mifeng::lock::{Board, Leaf, Node, Policy};

/// The tree of a notice's policy as one sentence; boards by their quorum.
pub(crate) fn in_words(policy: &Policy, boards: &[&Board]) -> Text {
    let root = policy.root();
    (node(root, boards, true), node(root, boards, false)).into()
}

// A policy has a bounded depth and fan-out (mifeng-lock).
fn node(node: &Node, boards: &[&Board], chinese: bool) -> String {
    let t = |zh: &str, en: &str| if chinese { zh } else { en }.to_owned();
    let (k, of) = match node {
        Node::Leaf(leaf) => return self::leaf(leaf, boards, chinese),
        Node::Gate { k, of } => (usize::from(*k), of),
    };
    let parts: Vec<String> = of
        .iter()
        .map(|one| self::node(one, boards, chinese))
        .collect();
    let (start, between) = match k {
        _ if k == of.len() => (String::new(), t(" 且 ", " and ")),
        1 => (String::new(), t(" 或 ", " or ")),
        _ => (
            t("其中 ", "") + &k.to_string() + &t(" 项：", " of: "),
            t("、", ", "),
        ),
    };
    format!("({start}{})", parts.join(&between))
}

fn leaf(leaf: &Leaf, boards: &[&Board], chinese: bool) -> String {
    let t = |zh: &str, en: &str| if chinese { zh } else { en }.to_owned();
    let quorum = |key| {
        let board = boards.iter().find(|board| board.key() == key);
        board.map_or_else(String::new, |board| {
            format!(" {}/{}", board.threshold(), board.members())
        })
    };
    match leaf {
        Leaf::Bidder => t("投标人本人的密钥", "the bidder's own key"),
        Leaf::Cert(digest) => {
            t("证书持有人 ", "the holder of the certificate ") + &digest.to_string()
        }
        Leaf::Group(key) => t("开标委员会", "the opening board") + &quorum(*key),
        Leaf::Reveal(key) => {
            t(
                "委员会公开的一次性密钥",
                "the board's one-time key, revealed",
            ) + &quorum(*key)
        }
        Leaf::Tlock { chain, round } => {
            t("时钟信标第 ", "beacon ")
                + &round.to_string()
                + &t(" 轮，链 ", " of the chain ")
                + &chain.to_string()
        }
    }
}
