//! The templates of the rules' examples, filled by the program's own code, whose checksums are tested against published ones there.

pub(crate) use imgguard::secret::template::fill;
