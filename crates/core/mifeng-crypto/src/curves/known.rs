//! Public points that come again and again, with tables of their multiples: signers' keys, the keys of a board.

use super::Params;
use super::limbs::Limbs;
use super::point::{Affine, Point};
use super::vartime::{add_digit_vartime, naf, windows};
use core::marker::PhantomData;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Width of the forms whose digits index a [`Prepared`] table.
const WIDTH: u32 = 6;
const ODD: usize = 1 << (WIDTH - 2);
/// Parts of a scalar, 64 bits each.
const PARTS: usize = 4;
/// A form of 64 bits has at most so many digits.
pub(super) const PART_DIGITS: usize = 65;

/// Of each part.
pub(super) type Digits = [[i8; 257]; PARTS];

/// Odd multiples 1 to 31 of a public point P, `2^64·P`, `2^128·P` and `2^192·P`: with them a multiplication doubles 64
/// times instead of 256. 4 KiB; making it costs as much as two multiplications.
pub(super) struct Prepared<C>([[Affine<C>; ODD]; PARTS]);

impl<C: Params> Prepared<C> {
    fn new(point: &Affine<C>) -> Self {
        let mut points = Vec::with_capacity(ODD * PARTS);
        let mut base = Point::from(*point);
        for _ in 0..PARTS {
            let twice = base.double();
            let mut multiple = base;
            for _ in 0..ODD {
                points.push(multiple);
                multiple = multiple.add(&twice);
            }
            for _ in 0..64 {
                base = base.double();
            }
        }
        let mut table = [[*point; ODD]; PARTS];
        let entries = table.iter_mut().flatten();
        for (entry, point) in entries.zip(Point::all_to_affine(&points)) {
            *entry = point;
        }
        Prepared(table)
    }

    /// The digits of each part.
    pub(super) fn digits(k: &Limbs) -> Digits {
        core::array::from_fn(|i| naf(&[k[i], 0, 0, 0], WIDTH))
    }

    /// Adds what the digits at one place mean.
    pub(super) fn add_digits_vartime(
        &self,
        mut sum: Point<C>,
        digits: &Digits,
        at: usize,
    ) -> Point<C> {
        for (digits, table) in digits.iter().zip(&self.0) {
            sum = add_digit_vartime(&sum, digits[at], table);
        }
        sum
    }
}

/// Bits of a window of a [`Table`].
pub(super) const TABLE_BITS: usize = 5;
/// From this use side by side with others on a point has a [`Table`]: it costs what it saves in about as many. So the memory
/// of all tables is less than a kilobyte for each signature or proof that was read.
const TABLE_FROM: u32 = 64;

/// Multiples 1 to 16 of a public point at every window of five bits: with them a multiplication does not double at all.
/// 52 KiB; making it costs as much as eight multiplications.
pub(super) struct Table<C>(Vec<[[u64; 8]; 1 << (TABLE_BITS - 1)]>, PhantomData<C>);

impl<C: Params> Table<C> {
    /// None of the identity.
    pub(super) fn new(point: &Point<C>) -> Option<Self> {
        (!point.is_identity()).then(|| Table(windows(point), PhantomData))
    }

    /// From the lowest.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        allow(dead_code, reason = "no kernel takes it")
    )]
    pub(super) fn windows(&self) -> &[[[u64; 8]; 1 << (TABLE_BITS - 1)]] {
        &self.0
    }
}

/// A public point. From its second use on it has a table of its multiples, which makes a multiplication more than twice as
/// fast.
pub(crate) struct Known<C> {
    point: Point<C>,
    used: AtomicBool,
    table: OnceLock<Option<Box<Prepared<C>>>>,
    wide_uses: AtomicU32,
    wide_table: OnceLock<Option<Box<Table<C>>>>,
}

impl<C: Params> Known<C> {
    pub(crate) const fn new(point: Point<C>) -> Self {
        Known {
            point,
            used: AtomicBool::new(false),
            table: OnceLock::new(),
            wide_uses: AtomicU32::new(0),
            wide_table: OnceLock::new(),
        }
    }

    pub(crate) fn point(&self) -> &Point<C> {
        &self.point
    }

    /// Whether this is its first use, as it is from now on no more.
    fn first_use(&self) -> bool {
        // Looked at first: a write takes the line away from all other cores.
        !self.used.load(Ordering::Relaxed) && !self.used.swap(true, Ordering::Relaxed)
    }

    /// The table, if this is not the first use; the identity has none.
    pub(super) fn table(&self) -> Option<&Prepared<C>> {
        if self.first_use() {
            return None;
        }
        let table = || Some(Box::new(Prepared::new(&self.point.to_affine()?)));
        self.table.get_or_init(table).as_deref()
    }

    /// The table for sums side by side, if the point comes often enough; the identity has none.
    pub(super) fn wide_table(&self) -> Option<&Table<C>> {
        if let Some(table) = self.wide_table.get() {
            return table.as_deref();
        }
        if self.wide_uses.fetch_add(1, Ordering::Relaxed) < TABLE_FROM {
            return None;
        }
        let table = || Table::new(&self.point).map(Box::new);
        self.wide_table.get_or_init(table).as_deref()
    }
}
