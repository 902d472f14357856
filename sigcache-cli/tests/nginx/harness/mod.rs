//! What the cases stand on: an origin, a job that syncs from it, and a server for what nginx cannot be made to do.

mod mount;
mod nginx;
mod raw;
mod site;
mod store;

pub(crate) use mount::Tmpfs;
pub(crate) use nginx::Nginx;
pub(crate) use raw::{Raw, head, hold, refused, whole};
pub(crate) use site::Site;
pub(crate) use store::{Run, Store, resource};
