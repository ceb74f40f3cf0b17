//! Namespaces: `a/b` as users write it, `ns/a/ns/b` as a path in the datastore and on tape.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::{is_safe_id, quoted};
use crate::error::{FormatError, Result};

const WHAT: &str = "namespace";

/// Most components of a namespace.
pub const MAX_NAMESPACE_DEPTH: usize = 7;
/// Most bytes of a namespace's text, a slash before every component counted.
pub const MAX_NAMESPACE_BYTES: usize = 256;

/// A namespace; the root has no components. Orders by components, so an outer namespace comes before its inner ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Namespace(String);

impl Namespace {
    /// The namespace without components.
    pub fn root() -> Self {
        Self::default()
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Components from the outermost.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.0.split('/').filter(|component| !component.is_empty())
    }

    /// Number of components.
    pub fn depth(&self) -> usize {
        self.components().count()
    }

    /// The namespace `component` inside this one.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] for an unsafe name, more than [`MAX_NAMESPACE_DEPTH`] components or more than
    /// [`MAX_NAMESPACE_BYTES`].
    pub fn join(&self, component: &str) -> Result<Self> {
        if !is_safe_id(component) {
            return Err(FormatError::invalid(
                WHAT,
                format!("{} is not a safe name", quoted(component)),
            ));
        }
        if self.depth() == MAX_NAMESPACE_DEPTH {
            return Err(FormatError::invalid(
                WHAT,
                format!("more than {MAX_NAMESPACE_DEPTH} levels"),
            ));
        }
        if self.0.len() + component.len() + 1 > MAX_NAMESPACE_BYTES {
            return Err(FormatError::invalid(
                WHAT,
                format!("longer than {MAX_NAMESPACE_BYTES} bytes"),
            ));
        }
        let slash = if self.is_root() { "" } else { "/" };
        Ok(Self(format!("{}{slash}{component}", self.0)))
    }

    /// The namespace around this one; none for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(Self(
            self.0
                .rsplit_once('/')
                .map_or("", |(outer, _)| outer)
                .to_owned(),
        ))
    }

    /// Whether `other` is this namespace or inside it.
    pub fn contains(&self, other: &Self) -> bool {
        match other.0.strip_prefix(&self.0) {
            Some(rest) => self.is_root() || rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }

    /// The path form `ns/a/ns/b`; empty for the root.
    pub fn path(&self) -> String {
        let levels: Vec<String> = self
            .components()
            .map(|component| format!("ns/{component}"))
            .collect();
        levels.join("/")
    }

    /// Parses the path form; the empty text is the root.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] for another form, or as [`Namespace::join`].
    pub fn from_path(path: &str) -> Result<Self> {
        if path.is_empty() {
            Ok(Self::root())
        } else {
            Self::from_path_of_levels(path)
        }
    }

    pub(super) fn from_path_of_levels(path: &str) -> Result<Self> {
        let mut namespace = Self::root();
        let mut parts = path.split('/');
        while let Some(marker) = parts.next() {
            let (true, Some(component)) = (marker == "ns", parts.next()) else {
                return Err(FormatError::invalid(
                    WHAT,
                    format!("{} is not ns/<name>/ns/<name>...", quoted(path)),
                ));
            };
            namespace = namespace.join(component)?;
        }
        Ok(namespace)
    }
}

impl Ord for Namespace {
    fn cmp(&self, other: &Self) -> Ordering {
        self.components().cmp(other.components())
    }
}

impl PartialOrd for Namespace {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `a/b`; empty for the root.
impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Namespace {
    type Err = FormatError;

    /// Parses `a/b`; the empty text is the root.
    fn from_str(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self::root());
        }
        text.split('/')
            .try_fold(Self::root(), |namespace, component| {
                namespace.join(component)
            })
    }
}
