//! Outlines as TrueType has them: straight lines and quadratic curves on whole font units.
//!
//! Faces with PostScript outlines have cubic curves. Each is cut into equal parts, and each part
//! drawn as the quadratic curve nearest to it; the distance is at most [`TOLERANCE`].

use skrifa::outline::OutlinePen;

/// Font units: half a thousandth of the size, far under what a printer shows.
const TOLERANCE: f32 = 0.5;
/// Parts of one curve at most.
const PARTS_MAX: u8 = 16;

/// A point, and whether it lies on the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dot {
    pub(super) x: i16,
    pub(super) y: i16,
    pub(super) on: bool,
}

/// Collects contours.
#[derive(Default)]
pub(super) struct Contours {
    pub(super) all: Vec<Vec<Dot>>,
    last: (f32, f32),
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates, and an em has about 1,000 units"
)]
fn dot((x, y): (f32, f32), on: bool) -> Dot {
    Dot {
        x: x.round() as i16,
        y: y.round() as i16,
        on,
    }
}

fn between(a: (f32, f32), b: (f32, f32), t: f32) -> (f32, f32) {
    (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t)
}

impl Contours {
    fn put(&mut self, point: (f32, f32), on: bool) {
        if let Some(contour) = self.all.last_mut() {
            contour.push(dot(point, on));
        }
    }

    /// The part of a cubic curve from `t` on, of length `step`, as one quadratic curve.
    fn part(&mut self, curve: [(f32, f32); 4], t: f32, step: f32) {
        let at = |t: f32| {
            let [a, b, c, d] = curve;
            let (ab, bc, cd) = (between(a, b, t), between(b, c, t), between(c, d, t));
            let (abc, bcd) = (between(ab, bc, t), between(bc, cd, t));
            let speed = (3.0 * (bcd.0 - abc.0), 3.0 * (bcd.1 - abc.1));
            (between(abc, bcd, t), speed)
        };
        let ((from, out), (to, back)) = (at(t), at(t + step));
        // The mean of where the two tangents' handles point.
        let handle = |a: f32, b: f32, u: f32, v: f32| (a + b) / 2.0 + (u - v) * step / 4.0;
        let middle = (
            handle(from.0, to.0, out.0, back.0),
            handle(from.1, to.1, out.1, back.1),
        );
        self.put(middle, false);
        self.put(to, true);
    }
}

impl OutlinePen for Contours {
    fn move_to(&mut self, x: f32, y: f32) {
        self.all.push(vec![dot((x, y), true)]);
        self.last = (x, y);
    }
    fn line_to(&mut self, x: f32, y: f32) {
        self.put((x, y), true);
        self.last = (x, y);
    }
    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        self.put((cx, cy), false);
        self.put((x, y), true);
        self.last = (x, y);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and 16"
    )]
    fn curve_to(&mut self, bx: f32, by: f32, cx: f32, cy: f32, x: f32, y: f32) {
        let a = self.last;
        let third = |a: f32, b: f32, c: f32, d: f32| d - 3.0 * c + 3.0 * b - a;
        let (dx, dy) = (third(a.0, bx, cx, x), third(a.1, by, cy, y));
        // A quadratic curve departs from a cubic one by √3/36 of its third difference.
        let off = dx.hypot(dy) * 0.048_113 / TOLERANCE;
        let parts = off.cbrt().ceil().clamp(1.0, f32::from(PARTS_MAX)) as u8;
        let step = 1.0 / f32::from(parts);
        for n in 0..parts {
            self.part([a, (bx, by), (cx, cy), (x, y)], f32::from(n) * step, step);
        }
        self.last = (x, y);
    }
    fn close(&mut self) {
        // A contour closes itself: its first point is not said again.
        if let Some(contour) = self.all.last_mut()
            && contour.len() > 1
            && contour.first() == contour.last()
        {
            contour.pop();
        }
    }
}

/// A simple glyph (`glyf`), not packed: two bytes for each coordinate. And its box.
pub(super) fn glyph(contours: &Contours) -> (Vec<u8>, [i16; 4]) {
    let contours: Vec<&Vec<Dot>> = contours.all.iter().filter(|all| all.len() > 2).collect();
    let dots = || contours.iter().flat_map(|all| all.iter());
    let (Some(left), Some(right)) = (dots().map(|d| d.x).min(), dots().map(|d| d.x).max()) else {
        return (Vec::new(), [0; 4]);
    };
    let low = dots().map(|d| d.y).min().unwrap_or(0);
    let high = dots().map(|d| d.y).max().unwrap_or(0);
    let bounds = [left, low, right, high];
    let mut out = Vec::new();
    let count = i16::try_from(contours.len()).unwrap_or(i16::MAX);
    for word in [count, left, low, right, high] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    let mut last = 0usize;
    for contour in &contours {
        last += contour.len();
        let end = u16::try_from(last - 1).unwrap_or(u16::MAX);
        out.extend_from_slice(&end.to_be_bytes());
    }
    // No instructions.
    out.extend_from_slice(&[0, 0]);
    out.extend(dots().map(|d| u8::from(d.on)));
    let steps = |of: fn(&Dot) -> i16| {
        let mut before = 0i16;
        dots()
            .flat_map(|d| {
                let step = of(d).wrapping_sub(before);
                before = of(d);
                step.to_be_bytes()
            })
            .collect::<Vec<u8>>()
    };
    out.extend(steps(|d| d.x));
    out.extend(steps(|d| d.y));
    out.resize(out.len().next_multiple_of(4), 0);
    (out, bounds)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The point of a quadratic curve that is nearest by parameter.
    fn quad(a: Dot, b: Dot, c: Dot, t: f32) -> (f32, f32) {
        let p = |d: Dot| (f32::from(d.x), f32::from(d.y));
        let (ab, bc) = (between(p(a), p(b), t), between(p(b), p(c), t));
        between(ab, bc, t)
    }

    #[test]
    fn cubic_curves_are_followed() {
        let curve = [(0.0, 0.0), (0.0, 552.0), (448.0, 1000.0), (1000.0, 1000.0)];
        let mut pen = Contours::default();
        pen.move_to(0.0, 0.0);
        let [_, b, c, d] = curve;
        pen.curve_to(b.0, b.1, c.0, c.1, d.0, d.1);
        let dots = &pen.all[0];
        assert!(dots.len() > 3 && dots.len() % 2 == 1);
        // A quarter of a circle around (1000, 0): every point keeps its distance.
        for part in dots.windows(3).step_by(2) {
            for n in 0u8..=8 {
                let (x, y) = quad(part[0], part[1], part[2], f32::from(n) / 8.0);
                let radius = (x - 1000.0).hypot(y);
                assert!((radius - 1000.0).abs() < 1.6, "{radius}");
            }
        }
    }

    #[test]
    fn closed_contours_say_their_first_point_once() {
        let mut pen = Contours::default();
        pen.move_to(0.0, 0.0);
        pen.line_to(10.0, 0.0);
        pen.line_to(10.0, 10.0);
        pen.line_to(0.0, 0.0);
        pen.close();
        assert_eq!(pen.all[0].len(), 3);
        let (bytes, bounds) = glyph(&pen);
        assert_eq!(bounds, [0, 0, 10, 10]);
        assert_eq!(&bytes[..12], [0, 1, 0, 0, 0, 0, 0, 10, 0, 10, 0, 2]);
        assert_eq!(glyph(&Contours::default()), (Vec::new(), [0; 4]));
    }
}
