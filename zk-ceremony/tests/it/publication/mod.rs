//! Ceremonies in stores: published, mirrored, archived under a lock, and moved to another machine.
//! The stores are real servers of this machine: moto has locks, versions and conditional writes;
//! s3s-fs checks signatures and checksums; Azurite and fake-gcs-server are the other vendors'.

mod archives;
mod clouds;
mod faults;
mod lists;
mod locks;
mod moving;
mod published;
mod served;
mod stamps;
mod stores;
