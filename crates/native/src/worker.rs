//! One named operating system thread that owns something (a drive) and works its calls off in order.

use crossbeam_channel::{Receiver, Sender, unbounded};
use napi::Env;
use napi::bindgen_prelude::{Object, ToNapiValue};

use crate::failure::{Failure, Kind};
use crate::promise::{Pending, guarded};

enum Message<S> {
    Job(Box<dyn FnOnce(&mut S) + Send>),
    Close(Pending<()>),
}

/// The sending end of a worker thread that owns an `S`. The thread ends, and drops the `S`, when it is told to close, or
/// when this is dropped and the queue is empty.
pub struct Worker<S> {
    messages: Sender<Message<S>>,
}

impl<S: 'static> Worker<S> {
    /// Starts the thread; `make` builds the owned value on it.
    pub fn spawn(
        name: &str,
        make: impl FnOnce() -> Result<S, Failure> + Send + 'static,
        ready: impl FnOnce(Result<(), Failure>) + Send + 'static,
    ) -> Result<Self, Failure> {
        let (messages, queue) = unbounded();
        let run = move || match guarded(make) {
            Ok(state) => {
                ready(Ok(()));
                serve(state, queue);
            }
            Err(failure) => ready(Err(failure)),
        };
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(run)
            .map_err(|error| {
                Failure::new(
                    Kind::System,
                    "thread",
                    format!("cannot start thread {name}: {error}"),
                )
            })?;
        Ok(Self { messages })
    }

    /// Queues `work` and returns the promise of its result.
    pub fn call<'env, T, F>(&self, env: &'env Env, work: F) -> napi::Result<Object<'env>>
    where
        T: ToNapiValue + Send + 'static,
        F: FnOnce(&mut S) -> Result<T, Failure> + Send + 'static,
    {
        let (pending, promise) = Pending::new(env)?;
        let job = Message::Job(Box::new(move |state: &mut S| {
            pending.settle(guarded(|| work(state)))
        }));
        self.send(env, job).map(|()| promise)
    }

    /// Ends the thread behind the calls that are queued. The promise is settled when the `S` is gone.
    pub fn close<'env>(self, env: &'env Env) -> napi::Result<Object<'env>> {
        let (pending, promise) = Pending::new(env)?;
        self.send(env, Message::Close(pending)).map(|()| promise)
    }

    fn send(&self, env: &Env, message: Message<S>) -> napi::Result<()> {
        let closed = || {
            Failure::new(Kind::Usage, "closed", "the thread of this drive has ended").into_js(env)
        };
        self.messages.send(message).map_err(|_| closed())
    }
}

fn serve<S>(mut state: S, queue: Receiver<Message<S>>) {
    for message in queue {
        match message {
            Message::Job(job) => job(&mut state),
            Message::Close(pending) => {
                let gone = guarded(|| {
                    drop(state);
                    Ok(())
                });
                return pending.settle(gone);
            }
        }
    }
}
