//! Warnings of a long operation: told as events at once, and kept for its report.

use std::sync::{Mutex, PoisonError};

use crate::progress::{Event, EventSink};

/// Warnings kept for a report; more are only counted (and told as events).
const KEPT: usize = 1000;

/// Collects warnings, and passes them on.
pub(crate) struct Warnings<'a> {
    sink: EventSink<'a>,
    list: Mutex<(Vec<String>, usize)>,
}

impl<'a> Warnings<'a> {
    pub(crate) fn new(sink: EventSink<'a>) -> Self {
        Self {
            sink,
            list: Mutex::new((Vec::new(), 0)),
        }
    }

    pub(crate) fn add(&self, text: String) {
        (self.sink)(Event::Warning(text.clone()));
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        if list.0.len() < KEPT {
            list.0.push(text);
        } else {
            list.1 += 1;
        }
    }

    /// Something for the log that is nothing to worry about.
    pub(crate) fn note(&self, text: String) {
        (self.sink)(Event::Log(text));
    }

    /// What was kept, and how many were not.
    pub(crate) fn into_list(self) -> Vec<String> {
        let (mut list, more) = self
            .list
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if more > 0 {
            list.push(format!("and {more} more warnings"));
        }
        list
    }
}
