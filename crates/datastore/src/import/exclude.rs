//! Patterns of what to leave out of a tree.
//!
//! `*` and `?` match within one name, `**` across names, `[a-z]` and `[!a-z]` one character. A pattern that begins with
//! `/` counts from the root of the tree, any other matches at every depth. One that ends in `/` matches only directories.
//! An excluded directory takes everything below it along.

use crate::error::{Error, Result};

/// Longest pattern; matching takes at most (pattern length x path length) steps.
const MAX_PATTERN_BYTES: usize = 4096;

/// A list of patterns.
#[derive(Debug, Default)]
pub(super) struct Excludes(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    glob: Vec<u8>,
    anchored: bool,
    directories_only: bool,
}

impl Excludes {
    /// # Errors
    /// [`Error::Request`] for a pattern that is empty or too long.
    pub(super) fn new(patterns: &[String]) -> Result<Self> {
        let parse = |text: &String| {
            let (text, anchored) = match text.strip_prefix('/') {
                Some(rest) => (rest, true),
                None => (text.as_str(), false),
            };
            let (text, directories_only) = match text.strip_suffix('/') {
                Some(rest) => (rest, true),
                None => (text, false),
            };
            if text.is_empty() || text.len() > MAX_PATTERN_BYTES {
                return Err(Error::Request(format!(
                    "exclude pattern {text:?}: must be 1 to {MAX_PATTERN_BYTES} bytes long"
                )));
            }
            Ok(Pattern {
                glob: text.as_bytes().to_vec(),
                anchored,
                directories_only,
            })
        };
        patterns.iter().map(parse).collect::<Result<_>>().map(Self)
    }

    /// Whether the entry at `path` (below the root, without a leading slash) is to be left out.
    pub(super) fn matches(&self, path: &[u8], is_directory: bool) -> bool {
        self.0.iter().any(|pattern| {
            (is_directory || !pattern.directories_only)
                && (matches(&pattern.glob, path)
                    || (!pattern.anchored && pattern.matches_tail(path)))
        })
    }
}

impl Pattern {
    fn matches_tail(&self, path: &[u8]) -> bool {
        let starts = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        starts
            .map(|(slash, _)| &path[slash + 1..])
            .any(|tail| matches(&self.glob, tail))
    }
}

/// Where to go on after a mismatch.
#[derive(Clone, Copy)]
struct Star {
    /// Place in the pattern behind the star.
    after: usize,
    /// Place in the path up to which the star has taken.
    taken: usize,
    /// `**/`: takes whole names only.
    names: bool,
}

/// Going back only to the last `*` and the last `**` keeps this from being exponential: an earlier star could only take
/// what a later one can take as well. `**` may stand for anything, `*` for anything without a slash.
fn matches(glob: &[u8], path: &[u8]) -> bool {
    let (mut g, mut p) = (0, 0);
    let (mut star, mut double_star): (Option<Star>, Option<Star>) = (None, None);
    loop {
        if glob[g..].starts_with(b"**") {
            // "a/**/b" also matches "a/b".
            let names = glob.get(g + 2) == Some(&b'/') && (g == 0 || glob[g - 1] == b'/');
            g += 2 + usize::from(names);
            (double_star, star) = (
                Some(Star {
                    after: g,
                    taken: p,
                    names,
                }),
                None,
            );
        } else if glob.get(g) == Some(&b'*') {
            g += 1;
            star = Some(Star {
                after: g,
                taken: p,
                names: false,
            });
        } else if g == glob.len() && p == path.len() {
            return true;
        } else if let Some(used) = path.get(p).and_then(|byte| match_one(&glob[g..], *byte)) {
            (g, p) = (g + used, p + 1);
        } else {
            // Let the inner star take one byte more, or else the outer one.
            let inner = star.filter(|star| path.get(star.taken).is_some_and(|byte| *byte != b'/'));
            star = inner.map(|star| Star {
                taken: star.taken + 1,
                ..star
            });
            if star.is_none() {
                double_star = double_star.and_then(|star| take_more(star, path));
            }
            let Some(Star { after, taken, .. }) = star.or(double_star) else {
                return false;
            };
            (g, p) = (after, taken);
        }
    }
}

fn take_more(star: Star, path: &[u8]) -> Option<Star> {
    let rest = path.get(star.taken..).filter(|rest| !rest.is_empty())?;
    let more = if star.names {
        rest.iter().position(|byte| *byte == b'/')? + 1
    } else {
        1
    };
    Some(Star {
        taken: star.taken + more,
        ..star
    })
}

/// Matches one byte; answers how many bytes of the pattern did it.
fn match_one(glob: &[u8], byte: u8) -> Option<usize> {
    match *glob.first()? {
        b'?' => (byte != b'/').then_some(1),
        b'[' => match_class(glob, byte),
        b'\\' if glob.len() > 1 => (glob[1] == byte).then_some(2),
        literal => (literal == byte).then_some(1),
    }
}

/// `[a-z]`; without a closing bracket it is the bracket itself.
fn match_class(glob: &[u8], byte: u8) -> Option<usize> {
    // A bracket right after the opening one is a member.
    let negated = matches!(glob.get(1), Some(b'!' | b'^'));
    let first = 1 + usize::from(negated);
    let Some(length) = glob
        .get(first + 1..)
        .and_then(|rest| rest.iter().position(|b| *b == b']'))
    else {
        return (byte == b'[').then_some(1);
    };
    let members = &glob[first..first + 1 + length];
    let mut rest = members;
    let mut found = false;
    while let [low, after @ ..] = rest {
        if let [b'-', high, after @ ..] = after {
            found |= (*low..=*high).contains(&byte);
            rest = after;
        } else {
            found |= *low == byte;
            rest = after;
        }
    }
    (found != negated && byte != b'/').then_some(first + members.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn excluded(pattern: &str, path: &str, is_directory: bool) -> bool {
        Excludes::new(&[pattern.to_owned()])
            .unwrap()
            .matches(path.as_bytes(), is_directory)
    }

    #[test]
    fn patterns() {
        for (pattern, path, expected) in [
            ("*.o", "a.o", true),
            ("*.o", "src/deep/a.o", true),
            ("*.o", "a.ob", false),
            ("/a.o", "a.o", true),
            ("/a.o", "src/a.o", false),
            ("/var/*", "var/log", true),
            ("/var/*", "var/log/syslog", false),
            ("/var/**", "var/log/syslog", true),
            ("var/log", "srv/var/log", true),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**/b", "a/xb", false),
            ("**/x", "x", true),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[!a-c]x", "dx", true),
            ("[]]", "]", true),
            ("[a", "[a", true),
            (r"\*", "*", true),
            (r"\*", "x", false),
            ("*a*b*c", "xxaxxbxxbc", true),
            ("node_modules", "a/node_modules", true),
            ("node_modules", "a/node_modules2", false),
            ("ä*", "äöü", true),
        ] {
            assert_eq!(excluded(pattern, path, false), expected, "{pattern} {path}");
        }
        assert!(excluded("cache/", "a/cache", true));
        assert!(!excluded("cache/", "a/cache", false));
        assert!(Excludes::new(&[String::new()]).is_err());
        assert!(Excludes::new(&["/".to_owned()]).is_err());
    }

    #[test]
    fn many_stars_do_not_take_forever() {
        let pattern = "a*".repeat(1000) + "b";
        let path = "a".repeat(4000);
        assert!(!excluded(&pattern, &path, false));
        assert!(!excluded(&"**a".repeat(500), &"b".repeat(4000), false));
    }

    proptest! {
        #[test]
        fn a_literal_matches_itself_and_a_star_everything(path in "[a-z]{1,8}(/[a-z]{1,8}){0,4}") {
            let matched = |pattern: &str| excluded(pattern, &path, false);
            prop_assert!(matched(&path));
            let (anchored, longer) = (format!("/{path}"), format!("{path}x"));
            prop_assert!(matched(&anchored));
            prop_assert!(matched("**"));
            prop_assert!(matched("*"));
            prop_assert!(!matched(&longer));
        }

        #[test]
        fn never_panics(pattern in "[a*?/\\[\\]!^-]{1,20}", path in "[a/\\]]{0,20}") {
            if let Ok(excludes) = Excludes::new(&[pattern]) {
                excludes.matches(path.as_bytes(), false);
            }
        }
    }
}
