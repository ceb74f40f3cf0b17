//! systemd's socket: Node has no datagram sockets in the file system.

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use crate::promise::on_thread;

/// Sends lines of `NAME=value` (sd_notify(3)) to the socket that `NOTIFY_SOCKET` names.
#[napi(ts_return_type = "Promise<void>")]
pub fn notify_service_manager(
    env: &Env,
    socket: String,
    message: String,
) -> napi::Result<Object<'_>> {
    on_thread(env, "notify", move || {
        Ok(ferrite_linux::notify_service_manager(&socket, &message)?)
    })
}
