//! The tree of an expression.

use crate::Ratio;

/// An operator of two numbers, or of two truths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `and`
    And,
    /// `or`
    Or,
}

/// What a call computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `count(list)`
    Count,
    /// `sum(list)`
    Sum,
    /// `mean(list)`
    Mean,
    /// `median(list)`: the middle one, or the mean of the middle two.
    Median,
    /// `min(…)` of numbers and lists.
    Min,
    /// `max(…)` of numbers and lists.
    Max,
    /// `nth(list, k)`: the k-th from the lowest, from 1.
    Nth,
    /// `drop(list, low, high)`: without so many lowest and highest.
    Drop,
    /// `within(list, a, b)`: those from a to b, both included.
    Within,
    /// `upto(list, b)`: those not above b.
    UpTo,
    /// `lookup(table, v, column)`: the cell of the last row whose first is not above v; 0 if none.
    Lookup,
    /// `tiers(table, v)`: the sum over rows `from rate` of rate × the part of v in the tier.
    Tiers,
    /// `abs(v)`
    Abs,
    /// `round(v, dp)`: half away from zero.
    Round,
    /// `trunc(v, dp)`: towards zero.
    Trunc,
    /// `floor(v, dp)`: downwards.
    Floor,
    /// `ceil(v, dp)`: upwards.
    Ceil,
    /// `pow(v, k)`: k whole, from 0 to 8.
    Pow,
    /// `if(truth, a, b)`: only the chosen one is computed.
    If,
    /// `not(truth)`
    Not,
}

impl Function {
    /// All with their names.
    pub const ALL: [(&'static str, Self); 20] = [
        ("count", Self::Count),
        ("sum", Self::Sum),
        ("mean", Self::Mean),
        ("median", Self::Median),
        ("min", Self::Min),
        ("max", Self::Max),
        ("nth", Self::Nth),
        ("drop", Self::Drop),
        ("within", Self::Within),
        ("upto", Self::UpTo),
        ("lookup", Self::Lookup),
        ("tiers", Self::Tiers),
        ("abs", Self::Abs),
        ("round", Self::Round),
        ("trunc", Self::Trunc),
        ("floor", Self::Floor),
        ("ceil", Self::Ceil),
        ("pow", Self::Pow),
        ("if", Self::If),
        ("not", Self::Not),
    ];

    /// The function of this name.
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, function)| *function)
    }
}

/// An expression and where it stands in its line, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    /// Column in characters.
    pub column: usize,
    /// What it is.
    pub node: Node,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A decimal number.
    Number(Ratio),
    /// A name.
    Name(String),
    /// The negative.
    Minus(Box<Expr>),
    /// An operator.
    Binary(Op, Box<Expr>, Box<Expr>),
    /// A call.
    Call(Function, Vec<Expr>),
}

impl Expr {
    /// The names it reads, each once, in the order of the text.
    pub fn names(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a str>) {
        match &self.node {
            Node::Number(_) => {}
            Node::Name(name) => {
                if !found.contains(&name.as_str()) {
                    found.push(name);
                }
            }
            Node::Minus(inner) => inner.collect(found),
            Node::Binary(_, left, right) => {
                left.collect(found);
                right.collect(found);
            }
            Node::Call(_, args) => args.iter().for_each(|arg| arg.collect(found)),
        }
    }
}

/// One line of a formula.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Number of the line, from 1.
    pub number: usize,
    /// Whether it holds for every bid.
    pub each: bool,
    /// The name it gives.
    pub name: String,
    /// The expression.
    pub expr: Expr,
    /// The text of the expression.
    pub text: String,
}

/// A formula that was read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The lines in order.
    pub lines: Vec<Line>,
}

impl Program {
    /// Whether a line gives this name.
    pub fn gives(&self, name: &str) -> bool {
        self.lines.iter().any(|line| line.name == name)
    }

    /// Whether a line reads this name.
    pub fn reads(&self, name: &str) -> bool {
        let mut lines = self.lines.iter();
        lines.any(|line| line.expr.names().contains(&name))
    }
}
