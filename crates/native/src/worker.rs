//! One named operating system thread that owns something (a drive, a changer) and works its calls off in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use napi::Env;
use napi::bindgen_prelude::{Object, ToNapiValue};

use crate::at_exit;
use crate::failure::{Failure, Kind};
use crate::promise::{Pending, guarded};

enum Message<S> {
    Job(Box<dyn FnOnce(&mut S) + Send>),
    Close(Pending<()>),
    /// The process ends: give the device back, settle nothing.
    Exit(Sender<()>),
}

/// How long the end of a process waits for a device. A command that takes longer leaves its traces to the next one who opens it.
const EXIT_WAIT: Duration = Duration::from_secs(5);

/// The sending end of a worker thread that owns an `S`. The thread ends, and drops the `S`, when it is told to close, when
/// this is dropped and the queue is empty, or when the process ends.
pub struct Worker<S> {
    messages: Arc<Sender<Message<S>>>,
    exiting: Arc<AtomicBool>,
}

impl<S: 'static> Worker<S> {
    /// Starts the thread, on which `make` builds the owned value, and promises the `object` around its worker. `stop` is told
    /// when the process ends.
    pub fn open<'env, T>(
        env: &'env Env,
        name: &str,
        make: impl FnOnce() -> Result<S, Failure> + Send + 'static,
        object: impl FnOnce(Self) -> T + Send + 'static,
        stop: impl FnOnce() + 'static,
    ) -> napi::Result<Object<'env>>
    where
        T: ToNapiValue + Send + 'static,
    {
        let (pending, promise) = Pending::<T>::new(env)?;
        let (messages, queue) = unbounded();
        let worker = Self {
            messages: Arc::new(messages),
            exiting: Arc::default(),
        };
        worker.end_with_process(env, stop)?;
        let run = move || match guarded(make) {
            Ok(state) => {
                pending.settle(Ok(object(worker)));
                serve(state, queue);
            }
            Err(failure) => pending.settle(Err(failure)),
        };
        match std::thread::Builder::new().name(name.to_owned()).spawn(run) {
            Ok(_) => Ok(promise),
            Err(error) => Err(Failure::new(
                Kind::System,
                "thread",
                format!("cannot start thread {name}: {error}"),
            )
            .into_js(env)),
        }
    }

    /// A process that ends would take its threads with it in the middle of whatever they do; a key would stay in the drive.
    fn end_with_process(&self, env: &Env, stop: impl FnOnce() + 'static) -> napi::Result<()> {
        let messages: Weak<Sender<Message<S>>> = Arc::downgrade(&self.messages);
        let alive = messages.clone();
        let exiting = Arc::clone(&self.exiting);
        let end = move || {
            let Some(messages) = messages.upgrade() else {
                return;
            };
            exiting.store(true, Ordering::SeqCst);
            stop();
            let (done, gone) = bounded(1);
            if messages.send(Message::Exit(done)).is_ok() {
                let _ = gone.recv_timeout(EXIT_WAIT);
            }
        };
        at_exit::add(env, move || alive.strong_count() > 0, end)
    }

    /// Queues `work` and returns the promise of its result.
    pub fn call<'env, T, F>(&self, env: &'env Env, work: F) -> napi::Result<Object<'env>>
    where
        T: ToNapiValue + Send + 'static,
        F: FnOnce(&mut S) -> Result<T, Failure> + Send + 'static,
    {
        let (pending, promise) = Pending::new(env)?;
        let exiting = Arc::clone(&self.exiting);
        let job = Message::Job(Box::new(move |state: &mut S| {
            let result = guarded(|| work(state));
            // At the end nobody is left to hear of it, and Node is taking down what would carry it.
            if !exiting.load(Ordering::SeqCst) {
                pending.settle(result);
            }
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
            Failure::new(Kind::Usage, "closed", "the thread of this device has ended").into_js(env)
        };
        self.messages.send(message).map_err(|_| closed())
    }
}

/// The worker of an open device until it is closed.
pub struct WorkerSlot<S> {
    /// `drive 'tape0'`
    device: String,
    worker: Mutex<Option<Worker<S>>>,
}

impl<S: 'static> WorkerSlot<S> {
    /// `device` names it in the error of calls that come too late: `drive 'tape0'`.
    pub fn new(device: String, worker: Worker<S>) -> Self {
        Self {
            device,
            worker: Mutex::new(Some(worker)),
        }
    }

    /// Queues `work` and returns the promise of its result. Fails once the device is closed.
    pub fn call<'env, T, F>(&self, env: &'env Env, work: F) -> napi::Result<Object<'env>>
    where
        T: ToNapiValue + Send + 'static,
        F: FnOnce(&mut S) -> Result<T, Failure> + Send + 'static,
    {
        match &*self.worker.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(worker) => worker.call(env, work),
            None => {
                let message = format!("{} is closed", self.device);
                Err(Failure::new(Kind::Usage, "closed", message).into_js(env))
            }
        }
    }

    /// Ends the thread behind the calls that are queued; harmless when called again.
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let mut slot = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = slot.take();
        drop(slot);
        match worker {
            Some(worker) => worker.close(env),
            None => {
                let (pending, promise) = Pending::new(env)?;
                pending.settle(Ok(()));
                Ok(promise)
            }
        }
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
            Message::Exit(done) => {
                let _ = guarded(|| {
                    drop(state);
                    Ok(())
                });
                let _ = done.send(());
                return;
            }
        }
    }
}
