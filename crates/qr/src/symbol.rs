//! The modules of a symbol whose finder patterns are known.

use rqrr::SimpleGrid;

use crate::finder::Corners;
use crate::gray::Bits;
use crate::perspective::{Perspective, Point};

/// What was made of three finder patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// They are not those of a symbol.
    None,
    /// They are, and too many modules are wrong.
    Damaged,
    /// The content was written.
    Whole,
}

/// From the edge to the middle of a finder pattern, in modules.
const FINDER_MIDDLE: f64 = 3.5;
/// The same for the last alignment pattern, from the other edge.
const ALIGNMENT_MIDDLE: f64 = 6.5;
/// How far the estimated version can be wrong.
const VERSIONS_AROUND: usize = 3;
/// Part of the timing patterns that is right in a symbol that is one.
const SYMBOL_FITNESS: f64 = 0.8;
/// With less a map is not worth decoding.
const LEAST_FITNESS: f64 = 0.6;
/// Maps that are decoded, the fittest first.
const MAX_DECODED: usize = 4;

/// Decodes the symbol into `content`.
pub(crate) fn read(bits: &Bits, corners: &Corners, content: &mut Vec<u8>) -> Reading {
    let mut maps: Vec<(f64, usize, Perspective)> = versions(corners)
        .flat_map(|version| maps(bits, corners, 17 + 4 * version))
        .map(|(size, map)| (fitness(bits, &map, size), size, map))
        .filter(|(fitness, ..)| *fitness >= LEAST_FITNESS)
        .collect();
    maps.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
    for (_, size, map) in maps.iter().take(MAX_DECODED) {
        let grid = SimpleGrid::from_func(*size, |x, y| {
            is_dark(bits, map, x as f64 + 0.5, y as f64 + 0.5)
        });
        content.clear();
        if rqrr::Grid::new(grid).decode_to(&mut *content).is_ok() {
            return Reading::Whole;
        }
    }
    match maps.first() {
        Some((fitness, ..)) if *fitness >= SYMBOL_FITNESS => Reading::Damaged,
        _ => Reading::None,
    }
}

/// Versions that the distance of the finder patterns allows.
fn versions(corners: &Corners) -> std::ops::RangeInclusive<usize> {
    let width = corners.top_left.distance(corners.top_right);
    let height = corners.top_left.distance(corners.bottom_left);
    let size = (width + height) / 2.0 / corners.module_edge + 2.0 * FINDER_MIDDLE;
    let version = ((size - 17.0) / 4.0).round().clamp(0.0, 50.0) as usize;
    version.saturating_sub(VERSIONS_AROUND).max(1)..=(version + VERSIONS_AROUND).min(40)
}

/// How modules of a symbol of `size` may lie in the picture: with its last alignment pattern where that is found, and as
/// on a flat scan.
fn maps(bits: &Bits, corners: &Corners, size: usize) -> Vec<(usize, Perspective)> {
    let far = size as f64 - FINDER_MIDDLE;
    let near = FINDER_MIDDLE;
    let Corners {
        top_left,
        top_right,
        bottom_left,
        ..
    } = *corners;
    let through = |(u, v): (f64, f64), point: Point| {
        let modules = [(near, near), (far, near), (near, far), (u, v)];
        Perspective::through(modules, [top_left, top_right, bottom_left, point])
    };
    let flat = through(
        (far, far),
        Point {
            x: top_right.x + bottom_left.x - top_left.x,
            y: top_right.y + bottom_left.y - top_left.y,
        },
    );
    let last = size as f64 - ALIGNMENT_MIDDLE;
    let aligned = flat
        .filter(|_| size > 21)
        .and_then(|flat| find_alignment(bits, &flat, size))
        .and_then(|point| through((last, last), point));
    [aligned, flat]
        .into_iter()
        .flatten()
        .map(|map| (size, map))
        .collect()
}

/// The middle of the last alignment pattern, looked for around the place that it has on a flat scan.
fn find_alignment(bits: &Bits, flat: &Perspective, size: usize) -> Option<Point> {
    const STEPS: i32 = 3; // per module
    const LEAST_MATCHES: usize = 22; // of 25 modules
    let last = size as f64 - ALIGNMENT_MIDDLE;
    let reach = STEPS * (size as i32 / 10).max(3);
    let at = |step: i32| last + f64::from(step) / f64::from(STEPS);
    let mut best = (LEAST_MATCHES - 1, i32::MAX, (0, 0));
    for down in -reach..=reach {
        for right in -reach..=reach {
            let matches = alignment_matches(bits, flat, at(right), at(down));
            let away = right * right + down * down;
            if matches > best.0 || matches == best.0 && away < best.1 {
                best = (matches, away, (right, down));
            }
        }
    }
    let (matches, away, (right, down)) = best;
    if away == i32::MAX {
        return None;
    }
    // The pattern matches equally well at several steps: its middle is theirs.
    let around = |step: i32| step - STEPS..=step + STEPS;
    let equal: Vec<(i32, i32)> = around(down)
        .flat_map(|down| around(right).map(move |right| (right, down)))
        .filter(|&(right, down)| alignment_matches(bits, flat, at(right), at(down)) == matches)
        .collect();
    let count = equal.len() as f64;
    let (u, v) = equal.iter().fold((0.0, 0.0), |(u, v), &(right, down)| {
        (u + at(right) / count, v + at(down) / count)
    });
    Some(flat.map(u, v))
}

/// Modules that are as in an alignment pattern around `(u, v)`: dark in the middle, light, dark.
fn alignment_matches(bits: &Bits, map: &Perspective, u: f64, v: f64) -> usize {
    let modules = (-2..=2).flat_map(|y: i32| (-2..=2).map(move |x: i32| (x, y)));
    modules
        .filter(|&(x, y)| {
            let is_ring = x.abs().max(y.abs()) == 1;
            pixel(bits, map.map(u + f64::from(x), v + f64::from(y))) != is_ring
        })
        .count()
}

/// Part of the timing patterns that is right.
fn fitness(bits: &Bits, map: &Perspective, size: usize) -> f64 {
    let timing = 8..size - 8;
    let count = 2 * timing.len();
    let right: usize = timing
        .map(|index| {
            let (middle, expected) = (index as f64 + 0.5, index % 2 == 0);
            usize::from(is_dark(bits, map, middle, 6.5) == expected)
                + usize::from(is_dark(bits, map, 6.5, middle) == expected)
        })
        .sum();
    right as f64 / count as f64
}

/// Most of five points around the middle of a module.
fn is_dark(bits: &Bits, map: &Perspective, u: f64, v: f64) -> bool {
    const OFF: f64 = 0.22;
    let points = [
        (0.0, 0.0),
        (OFF, OFF),
        (-OFF, OFF),
        (OFF, -OFF),
        (-OFF, -OFF),
    ];
    let dark = points
        .iter()
        .filter(|(right, down)| pixel(bits, map.map(u + right, v + down)))
        .count();
    dark > points.len() / 2
}

fn pixel(bits: &Bits, Point { x, y }: Point) -> bool {
    // What is no number or far outside becomes a place outside.
    bits.is_dark(x.floor() as i64, y.floor() as i64)
}
