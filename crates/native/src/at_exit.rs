//! What is to be done when a Node process ends, however that comes about: its event `exit`.
//!
//! Why not N-API's cleanup hooks: `process.exit` does not run them.

use std::cell::RefCell;

use napi::Env;
use napi::bindgen_prelude::{FnArgs, Function, JsObjectValue, Object, Unknown};

struct Work {
    needed: Box<dyn Fn() -> bool>,
    run: Box<dyn FnOnce()>,
}

thread_local! {
    /// Of this JavaScript environment, which has a thread of its own. `None`: Node was not told yet.
    static AT_EXIT: RefCell<Option<Vec<Work>>> = const { RefCell::new(None) };
}

/// Calls `run` when the process ends, unless `needed` says by then that there is nothing left to do.
pub fn add(
    env: &Env,
    needed: impl Fn() -> bool + 'static,
    run: impl FnOnce() + 'static,
) -> napi::Result<()> {
    let work = Work {
        needed: Box::new(needed),
        run: Box::new(run),
    };
    let first = AT_EXIT.with_borrow_mut(|list| {
        let first = list.is_none();
        let list = list.get_or_insert_default();
        list.retain(|work| (work.needed)());
        list.push(work);
        first
    });
    if first { listen(env) } else { Ok(()) }
}

/// An event's name, and who is to hear of it.
type Subscription<'env> = FnArgs<(&'env str, Function<'env, (), ()>)>;

/// `process.once('exit', endDevices)`
fn listen(env: &Env) -> napi::Result<()> {
    let process: Object<'_> = env.get_global()?.get_named_property("process")?;
    let callback = env.create_function_from_closure::<(), (), _>("endDevices", |_| {
        run_all();
        Ok(())
    })?;
    let once: Function<'_, Subscription<'_>, Unknown<'_>> = process.get_named_property("once")?;
    once.apply(process, ("exit", callback).into())?;
    Ok(())
}

fn run_all() {
    let list = AT_EXIT.with_borrow_mut(|list| list.replace(Vec::new()));
    for work in list.unwrap_or_default() {
        if (work.needed)() {
            (work.run)();
        }
    }
}
