//! Text into trees: one token of look-ahead, every limit checked on the way.

use super::ast::{Expr, Function, Line, Node, Op, Program};
use super::{DEPTH_MAX, LINE_LEN_MAX, LINES_MAX, NODES_MAX};
use crate::{Error, Ratio};

/// Longest name.
const NAME_LEN_MAX: usize = 32;

/// A token and its column.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(Ratio),
    Name(String),
    Sign(&'static str),
    End,
}

/// Longer signs first.
const SIGNS: [&str; 14] = [
    "<=", ">=", "==", "!=", "<", ">", "=", "+", "-", "*", "/", "(", ")", ",",
];

/// An error at a place.
pub(super) fn at(code: &'static str, line: usize, column: usize, what: String) -> Error {
    Error::Formula {
        code,
        line,
        column,
        what,
    }
}

struct Reader {
    line: usize,
    tokens: Vec<(usize, Token)>,
    next: usize,
    nodes: usize,
}

fn tokens(line: usize, text: &str) -> Result<Vec<(usize, Token)>, Error> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        let column = text[..text.len() - rest.len()].chars().count() + 1;
        let Some(first) = rest.chars().next().filter(|c| *c != '#') else {
            found.push((column, Token::End));
            return Ok(found);
        };
        let word = |more: fn(char) -> bool| rest.find(|c| !more(c)).unwrap_or(rest.len());
        let bad = |what: String| at("formula.syntax", line, column, what);
        if first.is_ascii_digit() {
            let len = word(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_');
            let number = Ratio::parse(&rest[..len]).map_err(|e| bad(e.to_string()))?;
            found.push((column, Token::Number(number)));
            rest = &rest[len..];
        } else if first.is_ascii_alphabetic() {
            let len = word(|c| c.is_ascii_alphanumeric() || c == '_');
            if len > NAME_LEN_MAX {
                return Err(bad(format!("a name has at most {NAME_LEN_MAX} characters")));
            }
            found.push((column, Token::Name(rest[..len].to_owned())));
            rest = &rest[len..];
        } else {
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
            let Some(sign) = sign else {
                return Err(bad(format!("unexpected {first:?}")));
            };
            found.push((column, Token::Sign(sign)));
            rest = &rest[sign.len()..];
        }
    }
}

impl Reader {
    fn new(line: usize, text: &str, nodes: usize) -> Result<Self, Error> {
        if text.len() > LINE_LEN_MAX {
            let what = format!("{} bytes, at most {LINE_LEN_MAX} are allowed", text.len());
            return Err(at("formula.limit", line, 1, what));
        }
        Ok(Self {
            line,
            tokens: tokens(line, text)?,
            next: 0,
            nodes,
        })
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.next].1
    }

    fn column(&self) -> usize {
        self.tokens[self.next].0
    }

    /// The token, and on to the next; the end stays.
    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        if token != Token::End {
            self.next += 1;
        }
        token
    }

    fn fault(&self, expected: &str) -> Error {
        let found = match self.peek() {
            Token::Number(number) => number.to_shortest(),
            Token::Name(name) => name.clone(),
            Token::Sign(sign) => (*sign).to_owned(),
            Token::End => "the end of the line".to_owned(),
        };
        let what = format!("{expected} expected, found {found}");
        at("formula.syntax", self.line, self.column(), what)
    }

    fn sign(&mut self, sign: &'static str) -> Result<(), Error> {
        if *self.peek() == Token::Sign(sign) {
            self.take();
            return Ok(());
        }
        Err(self.fault(sign))
    }

    fn node(&mut self, column: usize, node: Node) -> Result<Expr, Error> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let what = format!("more than {NODES_MAX} parts");
            return Err(at("formula.limit", self.line, column, what));
        }
        Ok(Expr { column, node })
    }

    /// The operator here, if it is one of this level.
    fn operator(&self, level: usize) -> Option<Op> {
        let op = match self.peek() {
            Token::Name(name) => match name.as_str() {
                "or" => (0, Op::Or),
                "and" => (1, Op::And),
                _ => return None,
            },
            Token::Sign(sign) => match *sign {
                "<" => (2, Op::Less),
                "<=" => (2, Op::LessEqual),
                ">" => (2, Op::Greater),
                ">=" => (2, Op::GreaterEqual),
                "==" => (2, Op::Equal),
                "!=" => (2, Op::NotEqual),
                "+" => (3, Op::Add),
                "-" => (3, Op::Sub),
                "*" => (4, Op::Mul),
                "/" => (4, Op::Div),
                _ => return None,
            },
            _ => return None,
        };
        (op.0 == level).then_some(op.1)
    }

    /// Operators of a level bind from the left; comparisons do not chain.
    fn expr(&mut self, level: usize, depth: usize) -> Result<Expr, Error> {
        if level > 4 {
            return self.unary(depth);
        }
        let mut left = self.expr(level + 1, depth)?;
        let mut chain = depth;
        while let Some(op) = self.operator(level) {
            let column = self.column();
            // Each operator of a chain puts the tree one level deeper.
            chain += 1;
            self.deep(chain)?;
            self.take();
            let right = self.expr(level + 1, depth)?;
            left = self.node(column, Node::Binary(op, Box::new(left), Box::new(right)))?;
            if level == 2 {
                break;
            }
        }
        Ok(left)
    }

    fn deep(&self, depth: usize) -> Result<(), Error> {
        if depth > DEPTH_MAX {
            let what = format!("nested deeper than {DEPTH_MAX}");
            return Err(at("formula.limit", self.line, self.column(), what));
        }
        Ok(())
    }

    fn unary(&mut self, depth: usize) -> Result<Expr, Error> {
        self.deep(depth)?;
        let column = self.column();
        match self.peek() {
            Token::Sign("-") => {
                self.take();
                let inner = self.unary(depth + 1)?;
                self.node(column, Node::Minus(Box::new(inner)))
            }
            Token::Sign("(") => {
                self.take();
                let inner = self.expr(0, depth + 1)?;
                self.sign(")")?;
                Ok(inner)
            }
            Token::Number(_) => match self.take() {
                Token::Number(number) => self.node(column, Node::Number(number)),
                _ => Err(self.fault("a number")),
            },
            Token::Name(name) if !is_word(name) => {
                let name = name.clone();
                self.take();
                if *self.peek() != Token::Sign("(") {
                    return self.node(column, Node::Name(name));
                }
                let Some(function) = Function::named(&name) else {
                    let what = format!("no function {name}");
                    return Err(at("formula.name", self.line, column, what));
                };
                let args = self.args(depth)?;
                self.node(column, Node::Call(function, args))
            }
            _ => Err(self.fault("a number, a name or (")),
        }
    }

    fn args(&mut self, depth: usize) -> Result<Vec<Expr>, Error> {
        self.sign("(")?;
        let mut args = vec![self.expr(0, depth + 1)?];
        while *self.peek() == Token::Sign(",") {
            self.take();
            args.push(self.expr(0, depth + 1)?);
        }
        self.sign(")")?;
        Ok(args)
    }
}

/// Words that are no names.
fn is_word(name: &str) -> bool {
    matches!(name, "each" | "and" | "or")
}

/// Reads one expression.
///
/// # Errors
/// [`Error::Formula`] in line 1 with the column.
pub fn parse_expr(text: &str) -> Result<Expr, Error> {
    let mut reader = Reader::new(1, text, 0)?;
    let expr = reader.expr(0, 0)?;
    match reader.peek() {
        Token::End => Ok(expr),
        _ => Err(reader.fault("an operator or the end")),
    }
}

/// Reads the lines; names and types are checked later.
pub(super) fn program(lines: &[String]) -> Result<Program, Error> {
    if lines.is_empty() || lines.len() > LINES_MAX {
        let what = format!("{} lines, 1 to {LINES_MAX} are allowed", lines.len());
        return Err(at("formula.limit", lines.len(), 1, what));
    }
    let mut read = Vec::with_capacity(lines.len());
    let mut nodes = 0;
    for (number, text) in (1..).zip(lines) {
        let mut reader = Reader::new(number, text, nodes)?;
        if *reader.peek() == Token::End {
            continue;
        }
        let mut each = false;
        if *reader.peek() == Token::Name("each".to_owned()) {
            each = true;
            reader.take();
        }
        let name = match reader.peek() {
            Token::Name(name) if !is_word(name) => name.clone(),
            _ => return Err(reader.fault("a name")),
        };
        reader.take();
        reader.sign("=")?;
        let first = reader.column();
        let expr = reader.expr(0, 0)?;
        if *reader.peek() != Token::End {
            return Err(reader.fault("an operator or the end of the line"));
        }
        nodes = reader.nodes;
        let last = reader.column();
        let chars = text.chars().skip(first - 1).take(last - first);
        let text = chars.collect::<String>().trim_end().to_owned();
        read.push(Line {
            number,
            each,
            name,
            expr,
            text,
        });
    }
    Ok(Program { lines: read })
}
