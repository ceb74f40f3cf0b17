//! From modules of a symbol to pixels of a picture.

/// A point of the picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

impl Point {
    pub(crate) fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

/// A projective map of the plane: `(a u + b v + c) / (g u + h v + 1)`, and the same with d, e, f.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Perspective([f64; 8]);

impl Perspective {
    /// The map that takes four points `(u, v)` to four points of the picture; nothing where three of either lie on a line.
    pub(crate) fn through(from: [(f64, f64); 4], to: [Point; 4]) -> Option<Self> {
        let mut rows = [[0.0; 9]; 8];
        for (index, ((u, v), Point { x, y })) in from.into_iter().zip(to).enumerate() {
            rows[2 * index] = [u, v, 1.0, 0.0, 0.0, 0.0, -u * x, -v * x, x];
            rows[2 * index + 1] = [0.0, 0.0, 0.0, u, v, 1.0, -u * y, -v * y, y];
        }
        solve(rows).map(Self)
    }

    /// Where `(u, v)` lies in the picture.
    pub(crate) fn map(&self, u: f64, v: f64) -> Point {
        let [a, b, c, d, e, f, g, h] = self.0;
        let scale = g * u + h * v + 1.0;
        Point {
            x: (a * u + b * v + c) / scale,
            y: (d * u + e * v + f) / scale,
        }
    }
}

/// Eight equations, each with its right side behind it, by elimination with pivots.
fn solve(mut rows: [[f64; 9]; 8]) -> Option<[f64; 8]> {
    for column in 0..8 {
        let best =
            (column..8).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()))?;
        rows.swap(column, best);
        let pivot = rows[column];
        if !pivot[column].is_finite() || pivot[column].abs() < 1e-9 {
            return None;
        }
        for (index, row) in rows.iter_mut().enumerate() {
            let part = row[column] / pivot[column];
            if index != column {
                for (value, subtracted) in row.iter_mut().zip(pivot) {
                    *value -= part * subtracted;
                }
            }
        }
    }
    let mut solution = [0.0; 8];
    for (index, value) in solution.iter_mut().enumerate() {
        *value = rows[index][8] / rows[index][index];
    }
    Some(solution)
}
