//! One file for each command.

pub(crate) mod audit;
pub(crate) mod doctor;
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

pub(crate) use verify::toml_text;
