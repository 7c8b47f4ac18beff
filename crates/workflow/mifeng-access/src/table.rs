//! The table of role × action × stage.

use std::collections::BTreeMap;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$own:meta])* $variant:ident = $word:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$own])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// Every one.
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// Its word in tables and records.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }

            /// The one of this word.
            pub fn of(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }
    };
}

words! {
    /// What somebody is in a tender, as its records say.
    Role {
        /// Anybody.
        Public = "public";
        /// Who runs the procedure.
        Agency = "agency";
        /// Who buys.
        Buyer = "buyer";
        /// Who has handed in a bid.
        Bidder = "bidder";
        /// Who holds a share of the board's key, and witnesses the log.
        Trustee = "trustee";
        /// Who sits on the evaluation committee.
        Expert = "expert";
        /// Who watches over a room of the evaluation.
        Supervisor = "supervisor";
        /// Who runs the platform.
        Operator = "operator";
    }
}

words! {
    /// What somebody wants to do.
    Action {
        /// See how one's own bids stand, and their receipts.
        BidOwn = "bid.own";
        /// Be present at the opening.
        OpeningAttend = "opening.attend";
        /// Read the documents of opened bids.
        OpenedRead = "opened.read";
        /// Read score sheets.
        SheetsRead = "sheets.read";
        /// Read the whole dossier.
        DossierRead = "dossier.read";
        /// Read the journal of refusals.
        JournalRead = "journal.read";
    }
}

words! {
    /// How far a tender is.
    Stage {
        /// There is no notice yet.
        Setup = "setup";
        /// Bids are received.
        Open = "open";
        /// Submission is closed; bidders may release.
        Window = "window";
        /// Bids are opened.
        Opening = "opening";
        /// Experts score.
        Evaluation = "evaluation";
        /// The scores stand.
        Locked = "locked";
        /// The log is closed.
        Archived = "archived";
    }
}

words! {
    /// What a role may do of an action at a stage.
    Cell {
        /// Nothing.
        No = "no";
        /// What is the person's own.
        Own = "own";
        /// All of it.
        Yes = "yes";
    }
}

/// What is wrong with a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("table of roles, line {line}: {detail}")]
pub struct TableError {
    /// Where, from 1; 0 for the table as a whole.
    pub line: usize,
    /// What was expected and what was found.
    pub detail: String,
}

/// The whole table: there is a cell for every role, action and stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    cells: BTreeMap<(Role, Action, Stage), Cell>,
}

impl Matrix {
    /// The table that the program ships with.
    pub const SHIPPED: &str = include_str!("table.txt");

    /// Reads a table.
    ///
    /// # Errors
    /// [`TableError`]: a word that is unknown, a line that stands twice, a cell too few or too many, a role or action that is
    /// missing.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let mut cells = BTreeMap::new();
        let mut section = None;
        for (at, line) in text.lines().enumerate() {
            let bad = |detail: String| TableError {
                line: at + 1,
                detail,
            };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(word) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                let role = Role::of(word).ok_or_else(|| bad(format!("unknown role {word:?}")))?;
                section = Some(role);
                continue;
            }
            let role = section.ok_or_else(|| bad("a line before the first [role]".to_owned()))?;
            let (action, row) = row(line).map_err(bad)?;
            for (stage, cell) in Stage::ALL.iter().zip(row) {
                if cells.insert((role, action, *stage), cell).is_some() {
                    let (role, action) = (role.word(), action.word());
                    return Err(bad(format!("{action} of {role} stands twice")));
                }
            }
        }
        for role in Role::ALL {
            for action in Action::ALL {
                if !cells.contains_key(&(*role, *action, Stage::Setup)) {
                    return Err(TableError {
                        line: 0,
                        detail: format!("{} of {} is missing", action.word(), role.word()),
                    });
                }
            }
        }
        Ok(Matrix { cells })
    }

    /// What a role may do of an action at a stage.
    pub fn cell(&self, role: Role, action: Action, stage: Stage) -> Cell {
        let cell = self.cells.get(&(role, action, stage));
        // `parse` has left none out; if it had, nothing would be allowed.
        cell.copied().unwrap_or(Cell::No)
    }
}

fn row(line: &str) -> Result<(Action, Vec<Cell>), String> {
    let mut words = line.split_whitespace();
    let name = words.next().unwrap_or_default();
    let action = Action::of(name).ok_or_else(|| format!("unknown action {name:?}"))?;
    let cells = words.map(|word| Cell::of(word).ok_or_else(|| format!("unknown cell {word:?}")));
    let cells = cells.collect::<Result<Vec<_>, _>>()?;
    match cells.len() == Stage::ALL.len() {
        true => Ok((action, cells)),
        false => Err(format!(
            "expected {} cells, found {}",
            Stage::ALL.len(),
            cells.len()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Matrix {
        Matrix::parse(Matrix::SHIPPED).unwrap_or_else(|e| unreachable!("{e}"))
    }

    /// Every cell, told a second time, in another order: stage by stage, who may do what.
    #[test]
    fn every_cell_is_what_it_should_be() {
        use Action::*;
        use Role::*;
        use Stage::*;
        let table = shipped();
        let hall = [Agency, Buyer, Bidder, Trustee, Supervisor, Operator];
        let mut expected: BTreeMap<(Role, Action, super::Stage), Cell> = BTreeMap::new();
        let mut put = |roles: &[Role], action, stages: &[super::Stage], cell| {
            for role in roles {
                for stage in stages {
                    expected.insert((*role, action, *stage), cell);
                }
            }
        };
        let after_open = [Window, Opening, Evaluation, Locked, Archived];
        put(&[Bidder], BidOwn, &[Open], Cell::Own);
        put(&[Bidder], BidOwn, &after_open, Cell::Own);
        let present = [Window, Opening, Evaluation];
        put(&hall, OpeningAttend, &present, Cell::Yes);
        let read = [Evaluation, Locked, Archived];
        put(&[Agency, Buyer, Supervisor], OpenedRead, &read, Cell::Yes);
        put(&[Bidder], OpenedRead, &read, Cell::Own);
        put(&[Expert], OpenedRead, &[Evaluation, Locked], Cell::Yes);
        put(&[Expert], SheetsRead, &[Evaluation], Cell::Own);
        put(&[Expert], SheetsRead, &[Locked], Cell::Yes);
        let stand = [Locked, Archived];
        put(&[Agency, Buyer, Supervisor], SheetsRead, &stand, Cell::Yes);
        put(&[Operator], SheetsRead, &[Archived], Cell::Yes);
        let whole = [Agency, Buyer, Supervisor, Operator];
        put(&whole, DossierRead, &[Archived], Cell::Yes);
        put(&[Supervisor, Operator], JournalRead, &after_open, Cell::Yes);
        put(&[Buyer], JournalRead, &[Archived], Cell::Yes);
        for role in Role::ALL {
            for action in Action::ALL {
                for stage in super::Stage::ALL {
                    let key = (*role, *action, *stage);
                    let found = table.cell(*role, *action, *stage);
                    let wanted = expected.get(&key).copied().unwrap_or(Cell::No);
                    assert_eq!(found, wanted, "{key:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_unknown_twice_or_missing_is_an_error() {
        let text = Matrix::SHIPPED;
        let bad = |from: &str, to: &str| {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            Matrix::parse(&changed).map(|_| ()).map_err(|e| e.detail)
        };
        let said = |detail: &str| Err(detail.to_owned());
        assert_eq!(bad("[buyer]", "[bayer]"), said("unknown role \"bayer\""));
        assert_eq!(
            bad("opened.read", "opened.raed"),
            said("unknown action \"opened.raed\"")
        );
        assert_eq!(bad(" own ", " mine "), said("unknown cell \"mine\""));
        assert_eq!(bad(" own ", " own yes "), said("expected 7 cells, found 8"));
        assert_eq!(bad(" yes ", " "), said("expected 7 cells, found 6"));
        assert_eq!(
            bad("[buyer]", "[agency]"),
            said("bid.own of agency stands twice")
        );
        let cut = text.find("[operator]").unwrap_or_default();
        let missing = Matrix::parse(&text[..cut]).map_err(|e| (e.line, e.detail));
        let expected = (0, "bid.own of operator is missing".to_owned());
        assert_eq!(missing, Err(expected));
        let early = Matrix::parse("bid.own no").map_err(|e| e.line);
        assert_eq!(early, Err(1));
    }
}
