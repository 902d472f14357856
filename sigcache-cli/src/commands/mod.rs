//! One file for each command.

pub(crate) mod audit;
#[cfg(feature = "aws")]
pub(crate) mod deploy;
pub(crate) mod doctor;
#[cfg(feature = "aws")]
mod doctor_aws;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod gc;
pub(crate) mod get;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod key_list;
pub(crate) mod keys;
mod private_key;
pub(crate) mod reshard;
pub(crate) mod rollback;
mod signature;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod test;
pub(crate) mod verify;

#[cfg(feature = "aws")]
pub(crate) use verify::read_small;
pub(crate) use verify::toml_text;
