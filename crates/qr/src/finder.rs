//! Finder patterns: on every line through the middle of one, dark and light alternate as 1:1:3:1:1.

use crate::gray::Bits;
use crate::perspective::Point;

/// A finder pattern.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finder {
    pub(crate) center: Point,
    /// Pixels of a module along rows and columns: longer than its edge where the symbol is turned.
    run: f64,
    /// Rows that showed it.
    seen: u32,
}

/// The three finder patterns of a symbol, as if it was not turned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Corners {
    pub(crate) top_left: Point,
    pub(crate) top_right: Point,
    pub(crate) bottom_left: Point,
    /// Estimated from the patterns.
    pub(crate) module_edge: f64,
}

/// Most finder patterns that are remembered: a picture full of them is no scan.
const MAX_FOUND: usize = 400;
/// Most that are combined.
const MAX_COMBINED: usize = 12;
/// Most combinations that are tried.
const MAX_SYMBOLS: usize = 16;

/// What may be symbols, the most likely first.
pub(crate) fn symbols(bits: &Bits) -> Vec<Corners> {
    let mut found = finders(bits);
    found.sort_by_key(|finder| std::cmp::Reverse(finder.seen));
    found.truncate(MAX_COMBINED);
    let mut symbols = Vec::new();
    for (first, &a) in found.iter().enumerate() {
        for (second, &b) in found.iter().enumerate().skip(first + 1) {
            for &c in found.iter().skip(second + 1) {
                symbols.extend(corners([a, b, c]));
            }
        }
    }
    symbols.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    symbols
        .into_iter()
        .take(MAX_SYMBOLS)
        .map(|(_, corners)| corners)
        .collect()
}

/// Three finder patterns as a symbol, with how much it differs from a square; nothing where it is far from one.
fn corners([a, b, c]: [Finder; 3]) -> Option<(f64, Corners)> {
    // The pattern at the right angle is opposite to the longest side.
    let sides = [(a, b, c), (b, a, c), (c, a, b)];
    let (corner, one, other) = sides.into_iter().max_by(|left, right| {
        let hypotenuse = |side: &(Finder, Finder, Finder)| side.1.center.distance(side.2.center);
        hypotenuse(left).total_cmp(&hypotenuse(right))
    })?;
    let (origin, runs) = (corner.center, [corner.run, one.run, other.run]);
    let leg = |end: Finder| (end.center.x - origin.x, end.center.y - origin.y);
    let ((x1, y1), (x2, y2)) = (leg(one), leg(other));
    let (length1, length2) = (x1.hypot(y1), x2.hypot(y2));
    let (longer, shorter) = (length1.max(length2), length1.min(length2));
    let (most, least) = (
        runs.into_iter().fold(0.0, f64::max),
        runs.into_iter().fold(f64::MAX, f64::min),
    );
    let run = runs.iter().sum::<f64>() / 3.0;
    // The patterns are 14 modules apart at least.
    if shorter < 9.0 * run || shorter < 0.6 * longer || least < 0.6 * most {
        return None;
    }
    let cosine = (x1 * x2 + y1 * y2) / (length1 * length2);
    if cosine.abs() > 0.35 {
        return None;
    }
    let is_one_right = x1 * y2 - y1 * x2 > 0.0;
    let (right, below) = if is_one_right {
        (one, other)
    } else {
        (other, one)
    };
    let along = |x: f64, y: f64, length: f64| (x / length).abs().max((y / length).abs());
    let slant = (along(x1, y1, length1) + along(x2, y2, length2)) / 2.0;
    let difference = (1.0 - shorter / longer) + cosine.abs() + (1.0 - least / most);
    let corners = Corners {
        top_left: origin,
        top_right: right.center,
        bottom_left: below.center,
        module_edge: run * slant,
    };
    Some((difference, corners))
}

fn finders(bits: &Bits) -> Vec<Finder> {
    let mut found = Vec::new();
    for y in 0..bits.height() {
        let mut runs = [0usize; 5];
        let mut last = false;
        let row = bits.row(y);
        for (x, is_dark) in row.iter().copied().chain([false]).enumerate() {
            if is_dark == last {
                runs[4] += 1;
                continue;
            }
            if last && is_pattern(&runs) {
                let middle = x - runs[4] - runs[3] - runs[2] / 2;
                if let Some(finder) = confirm(bits, middle, y, runs.iter().sum()) {
                    add(&mut found, finder);
                }
            }
            runs.rotate_left(1);
            runs[4] = 1;
            last = is_dark;
        }
    }
    found
}

fn is_pattern(runs: &[usize; 5]) -> bool {
    let total: usize = runs.iter().sum();
    let module = total as f64 / 7.0;
    let is_near = |(&run, modules): (&usize, f64)| {
        run > 0 && (run as f64 - modules * module).abs() < modules.sqrt() * 0.6 * module
    };
    total >= 7 && runs.iter().zip([1.0, 1.0, 3.0, 1.0, 1.0]).all(is_near)
}

/// Looks at a pattern in a row also from top to bottom, again in the row of its middle, and across.
fn confirm(bits: &Bits, x: usize, y: usize, total: usize) -> Option<Finder> {
    let (x, y) = (x as i64, y as i64);
    let down = cross(bits, (x, y), (0, 1), total)?;
    let y = y + down.shift.round() as i64;
    let along = cross(bits, (x, y), (1, 0), 2 * total)?;
    let x = x as f64 + along.shift;
    let _ = cross(bits, (x.round() as i64, y), (1, 1), total)?;
    if along.total > 2 * down.total || down.total > 2 * along.total {
        return None;
    }
    Some(Finder {
        center: Point {
            x: x + 0.5,
            y: y as f64 + 0.5,
        },
        run: (along.total + down.total) as f64 / 14.0,
        seen: 1,
    })
}

/// A line through a finder pattern.
struct Cross {
    /// From where the line was looked at to the middle.
    shift: f64,
    /// Steps across the pattern.
    total: usize,
}

fn cross(bits: &Bits, from: (i64, i64), step: (i64, i64), longest: usize) -> Option<Cross> {
    let ahead = arm(bits, from, step, longest)?;
    let start = (from.0 - step.0, from.1 - step.1);
    let behind = arm(bits, start, (-step.0, -step.1), longest)?;
    let runs = [
        behind[2],
        behind[1],
        behind[0] + ahead[0],
        ahead[1],
        ahead[2],
    ];
    is_pattern(&runs).then(|| Cross {
        shift: (ahead[0] as f64 - 1.0 - behind[0] as f64) / 2.0,
        total: runs.iter().sum(),
    })
}

/// Lengths of what is dark, light and dark again from a point on.
fn arm(bits: &Bits, from: (i64, i64), step: (i64, i64), longest: usize) -> Option<[usize; 3]> {
    let (mut x, mut y) = from;
    let mut runs = [0; 3];
    for (run, is_dark) in runs.iter_mut().zip([true, false, true]) {
        while bits.is_dark(x, y) == is_dark {
            *run += 1;
            if *run > longest {
                return None;
            }
            (x, y) = (x + step.0, y + step.1);
        }
        if *run == 0 {
            return None;
        }
    }
    Some(runs)
}

/// The same pattern in the next row is the same pattern.
fn add(found: &mut Vec<Finder>, finder: Finder) {
    let same = found.iter_mut().find(|known| {
        known.center.distance(finder.center) < 2.0 * known.run
            && known.run < 1.5 * finder.run
            && finder.run < 1.5 * known.run
    });
    let Some(known) = same else {
        if found.len() < MAX_FOUND {
            found.push(finder);
        }
        return;
    };
    let (weight, all) = (f64::from(known.seen), f64::from(known.seen + 1));
    let mean = |before: f64, now: f64| (before * weight + now) / all;
    known.center.x = mean(known.center.x, finder.center.x);
    known.center.y = mean(known.center.y, finder.center.y);
    known.run = mean(known.run, finder.run);
    known.seen += 1;
}
