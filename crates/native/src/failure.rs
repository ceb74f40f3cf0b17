//! Errors as TypeScript sees them: an `Error` with `kind` (what class of trouble) and `code` (stable, never reused).
//! `ts/errors.ts` states the policy.

use napi::bindgen_prelude::JsValue;
use napi::{Env, Error};

/// Class of trouble; decides exit code and whether a retry makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request itself is wrong: nothing was touched.
    Usage,
    /// A person has to act.
    Operator,
    /// What was read is damaged or foreign.
    Data,
    /// The machine refused.
    System,
    /// Cancelled by the user.
    Aborted,
}

impl Kind {
    fn text(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Operator => "operator",
            Self::Data => "data",
            Self::System => "system",
            Self::Aborted => "aborted",
        }
    }
}

/// An error on its way to JavaScript.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Class of trouble.
    pub kind: Kind,
    /// Stable code, e.g. `B3` of tape-format section 12 or `store-io`.
    pub code: &'static str,
    /// For a person: what failed, on what, and what to do next.
    pub message: String,
}

impl Failure {
    /// A failure with its text.
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            message: message.into(),
        }
    }

    /// A panic caught at a thread's edge.
    pub fn from_panic(panic: &(dyn std::any::Any + Send)) -> Self {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("unknown panic");
        Self::new(
            Kind::System,
            "internal",
            format!("internal error in the Rust core: {text}"),
        )
    }

    /// The JavaScript error. Must be called on the JavaScript thread.
    pub fn into_js(self, env: &Env) -> Error {
        let built = env
            .create_error(Error::from_reason(&self.message))
            .and_then(|mut error| {
                error.set("kind", self.kind.text())?;
                error.set("code", self.code)?;
                Ok(error.to_unknown())
            });
        match built {
            Ok(error) => Error::from(error),
            Err(error) => error,
        }
    }
}

/// What sync functions return: the error is already a JavaScript one.
pub fn sync<T>(env: &Env, result: Result<T, Failure>) -> napi::Result<T> {
    result.map_err(|failure| failure.into_js(env))
}
