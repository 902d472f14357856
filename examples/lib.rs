//! Nothing but a home for the examples beside this file.
