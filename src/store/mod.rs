//! What stands on disk, and the one shape it is written in.
//!
//! Every file of the store is a row of [`frame`]s: a marker, a kind, a length and a checksum before each payload. A
//! reader can therefore always tell three things apart that look alike to a naive one: a file that ends where
//! its last write ended, a file whose last write was cut short by a crash (its tail may be dropped, nothing in it
//! was ever acknowledged), and a file that a disk or a hand has damaged in the middle (nobody may go on from
//! there as if nothing had happened).

pub mod frame;
