//! What the examples beside this file share.

pub mod origin;
