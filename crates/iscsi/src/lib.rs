//! For tests: [`IscsiTransport`], SCSI commands to an iSCSI target through Debian's libiscsi.
//!
//! It brings the conformance suites, the command builders and the sense parser to a target that somebody else wrote, without
//! devices, kernel modules or privileges (tests/tgt). Nothing of Ferrite uses it.
//!
//! libiscsi is loaded at run time from the tree that `scripts/debian-tree tgt` makes, with a small bridge in C (bridge.c) built
//! against its headers: Rust needs none of its structures, and nothing is linked with it.

#![allow(
    unsafe_code,
    reason = "calls of C functions; each says why it is sound"
)]

use std::ffi::{CStr, CString, c_char, c_int, c_longlong, c_uint, c_void};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use ferrite_scsi::transport::MAX_SENSE_BYTES;
use ferrite_scsi::{Cdb, Completion, Data, Status, Transport, TransportError};
use libloading::Library;

/// File that `scripts/debian-tree tgt` builds.
const BRIDGE: &str = "libferrite-iscsi.so";
/// Name of this initiator.
const INITIATOR: &CStr = c"iqn.2024-01.invalid.ferrite:tests";
/// Longest wait for a login.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);

/// `struct ferrite_answer` of bridge.c.
#[repr(C)]
struct Answer {
    status: c_int,
    residual: c_longlong,
    sense_length: c_uint,
    sense: [u8; 252],
}

type Context = NonNull<c_void>;
type Open = unsafe extern "C" fn(
    *const c_char,
    *const c_char,
    *const c_char,
    c_int,
    *mut c_char,
    usize,
) -> Option<Context>;
type Execute = unsafe extern "C" fn(
    Context,
    c_int,
    *const u8,
    c_int,
    c_int,
    *mut u8,
    c_int,
    c_int,
    *mut Answer,
) -> c_int;
type Close = unsafe extern "C" fn(Context);

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum IscsiError {
    /// libiscsi or the bridge.
    #[error("cannot load the bridge to libiscsi: {0}")]
    Library(#[from] libloading::Error),
    /// The target, in libiscsi's words.
    #[error("cannot log in at {portal}: {message}")]
    Login {
        /// Address and port.
        portal: String,
        /// Why.
        message: String,
    },
}

/// libiscsi, loaded.
#[derive(Clone, Debug)]
pub struct Iscsi {
    functions: Arc<Functions>,
}

#[derive(Debug)]
struct Functions {
    open: Open,
    execute: Execute,
    close: Close,
    _library: Library,
}

impl Iscsi {
    /// Loads libiscsi from a tree made by `scripts/debian-tree tgt`.
    ///
    /// # Errors
    /// [`IscsiError::Library`].
    pub fn load(tree: &Path) -> Result<Self, IscsiError> {
        // SAFETY: the bridge and libiscsi have no initialisers that need anything of this process. The types are those of
        // bridge.c, and the functions live as long as the library, which is kept beside them.
        let functions = unsafe {
            let library = Library::new(tree.join(BRIDGE))?;
            Functions {
                open: *library.get::<Open>(b"ferrite_iscsi_open\0")?,
                execute: *library.get::<Execute>(b"ferrite_iscsi_execute\0")?,
                close: *library.get::<Close>(b"ferrite_iscsi_close\0")?,
                _library: library,
            }
        };
        Ok(Self {
            functions: Arc::new(functions),
        })
    }

    /// A session of its own with one logical unit. Its first command meets the unit attention of a new initiator.
    ///
    /// # Errors
    /// [`IscsiError::Login`].
    pub fn connect(
        &self,
        portal: &str,
        target: &str,
        lun: u8,
    ) -> Result<IscsiTransport, IscsiError> {
        let text = |text: &str| CString::new(text.replace('\0', "")).unwrap_or_default();
        let mut error: [c_char; 256] = [0; 256];
        // SAFETY: the strings end in NUL and outlive the call; `error` has the length that is given with it.
        let context = unsafe {
            (self.functions.open)(
                INITIATOR.as_ptr(),
                text(portal).as_ptr(),
                text(target).as_ptr(),
                seconds(LOGIN_TIMEOUT),
                error.as_mut_ptr(),
                error.len(),
            )
        };
        match context {
            Some(context) => Ok(IscsiTransport {
                functions: Arc::clone(&self.functions),
                context,
                lun: lun.into(),
            }),
            None => Err(IscsiError::Login {
                portal: portal.to_owned(),
                // SAFETY: snprintf ends in NUL within the array.
                message: unsafe { CStr::from_ptr(error.as_ptr()) }
                    .to_string_lossy()
                    .into_owned(),
            }),
        }
    }
}

/// One logical unit behind iSCSI.
#[derive(Debug)]
pub struct IscsiTransport {
    functions: Arc<Functions>,
    context: Context,
    lun: c_int,
}

// SAFETY: libiscsi keeps all state in the context, which only `&mut self` and `drop` touch: one thread at a time.
unsafe impl Send for IscsiTransport {}

/// libiscsi counts whole seconds, and takes 0 for "for ever".
fn seconds(timeout: Duration) -> c_int {
    c_int::try_from(timeout.as_secs().max(1)).unwrap_or(c_int::MAX)
}

impl Transport for IscsiTransport {
    fn execute(
        &mut self,
        cdb: &Cdb,
        mut data: Data<'_>,
        timeout: Duration,
    ) -> Result<Completion, TransportError> {
        let bytes = data.len();
        let length =
            c_int::try_from(bytes).map_err(|_| TransportError::TransferTooLarge { bytes })?;
        let (direction, pointer) = match &mut data {
            _ if length == 0 => (0, std::ptr::null_mut()),
            Data::None => (0, std::ptr::null_mut()),
            Data::In(buffer) => (1, buffer.as_mut_ptr()),
            // The bridge only reads from it.
            Data::Out(buffer) => (2, buffer.as_ptr().cast_mut()),
        };
        let mut answer = Answer {
            status: 0,
            residual: 0,
            sense_length: 0,
            sense: [0; 252],
        };
        let cdb = cdb.as_bytes();
        // SAFETY: the context is open until `drop`. CDB (at most 16 bytes, as many as bridge.c copies), data and answer outlive
        // the call, which is over when the command is: libiscsi works synchronously here.
        let lost = unsafe {
            (self.functions.execute)(
                self.context,
                self.lun,
                cdb.as_ptr(),
                cdb.len() as c_int,
                direction,
                pointer,
                length,
                seconds(timeout),
                &raw mut answer,
            )
        };
        if lost != 0 {
            return Err(TransportError::ConnectionLost {
                reason: "the iSCSI session broke or its time was over",
            });
        }
        let residual = usize::try_from(answer.residual).unwrap_or(0).min(bytes);
        let status = Status::from(answer.status as u8);
        let sense_length = (answer.sense_length as usize).min(MAX_SENSE_BYTES);
        Ok(match (status, sense_length) {
            (Status::CheckCondition, 1..) => {
                Completion::check_condition(&answer.sense[..sense_length], residual)
            }
            _ => Completion::with_status(status, residual),
        })
    }
}

impl Drop for IscsiTransport {
    fn drop(&mut self) {
        // SAFETY: the context is open, and nobody has it after this.
        unsafe { (self.functions.close)(self.context) };
    }
}
