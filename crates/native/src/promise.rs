//! Promises that Rust threads settle.

use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::bindgen_prelude::{Object, ToNapiValue};
use napi::{Env, JsDeferred};

use crate::failure::{Failure, Kind};

type Settle<T> = Box<dyn FnOnce(Env) -> napi::Result<T> + Send>;

/// The Rust end of a promise.
pub struct Pending<T: ToNapiValue>(JsDeferred<T, Settle<T>>);

impl<T: ToNapiValue + Send + 'static> Pending<T> {
    /// A promise and the end that settles it.
    pub fn new(env: &Env) -> napi::Result<(Self, Object<'_>)> {
        let (deferred, promise) = env.create_deferred()?;
        Ok((Self(deferred), promise))
    }

    /// Settles the promise; callable from any thread.
    pub fn settle(self, result: Result<T, Failure>) {
        self.0.resolve(Box::new(move |env| {
            result.map_err(|failure| failure.into_js(&env))
        }));
    }
}

/// Runs `work`, turning a panic into a failure: no panic crosses a thread's edge.
pub fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Failure::from_panic(panic.as_ref())))
}

/// Runs `work` on a thread of its own and returns the promise of its result.
pub fn on_thread<'env, T, F>(env: &'env Env, name: &str, work: F) -> napi::Result<Object<'env>>
where
    T: ToNapiValue + Send + 'static,
    F: FnOnce() -> Result<T, Failure> + Send + 'static,
{
    let (pending, promise) = Pending::new(env)?;
    let spawned = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || pending.settle(guarded(work)));
    match spawned {
        Ok(_) => Ok(promise),
        Err(error) => Err(Failure::new(
            Kind::System,
            "thread",
            format!("cannot start thread {name}: {error}"),
        )
        .into_js(env)),
    }
}
