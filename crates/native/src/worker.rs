//! One named operating system thread that owns something (a drive) and works its calls off in order.

use crossbeam_channel::{Sender, unbounded};
use napi::Env;
use napi::bindgen_prelude::{Object, ToNapiValue};

use crate::failure::{Failure, Kind};
use crate::promise::{Pending, guarded};

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// The sending end of a worker thread that owns an `S`. The thread ends, and drops the `S`, when this is dropped and the
/// queue is empty.
pub struct Worker<S> {
    jobs: Sender<Job<S>>,
}

impl<S: 'static> Worker<S> {
    /// Starts the thread; `make` builds the owned value on it.
    pub fn spawn(
        name: &str,
        make: impl FnOnce() -> Result<S, Failure> + Send + 'static,
        ready: impl FnOnce(Result<(), Failure>) + Send + 'static,
    ) -> Result<Self, Failure> {
        let (jobs, queue) = unbounded::<Job<S>>();
        let run = move || match guarded(make) {
            Ok(mut state) => {
                ready(Ok(()));
                for job in queue {
                    job(&mut state);
                }
            }
            Err(failure) => ready(Err(failure)),
        };
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(run)
            .map_err(|error| Failure::new(Kind::System, "thread", format!("cannot start thread {name}: {error}")))?;
        Ok(Self { jobs })
    }

    /// Queues `work` and returns the promise of its result.
    pub fn call<'env, T, F>(&self, env: &'env Env, work: F) -> napi::Result<Object<'env>>
    where
        T: ToNapiValue + Send + 'static,
        F: FnOnce(&mut S) -> Result<T, Failure> + Send + 'static,
    {
        let (pending, promise) = Pending::new(env)?;
        let job: Job<S> = Box::new(move |state| pending.settle(guarded(|| work(state))));
        match self.jobs.send(job) {
            Ok(()) => Ok(promise),
            Err(_) => Err(Failure::new(Kind::Usage, "closed", "the drive is closed").into_js(env)),
        }
    }
}
