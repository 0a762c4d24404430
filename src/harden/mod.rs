//! A better image out of one: what would be changed is planned first, and the image that was read stays as it is.

pub mod packages;
