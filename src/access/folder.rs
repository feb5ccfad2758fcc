//! Folders that are written to by their handles. Root works in them beside a daemon that has a user of its own, and what that user could
//! put in the way, a link to a file of root's, must not be followed: neither written to nor given away.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid, fchown, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;

use super::error::AccessError;

/// A folder within a data folder. What is made in it is the data folder's owner's, whoever makes it.
#[derive(Debug)]
pub(super) struct Folder {
    handle: OwnedFd,
    path: PathBuf,
    owner: (Uid, Gid),
}

impl Folder {
    /// The folder of these names, one within the other, in a data folder; those that are not there are made.
    pub(super) fn within(data: &Path, names: &[&str]) -> Result<Folder, AccessError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(data);
        made.map_err(AccessError::io(data, "made"))?;
        let handle = File::open(data).map_err(AccessError::io(data, "opened"))?;
        let told = handle.metadata().map_err(AccessError::io(data, "read"))?;
        let owner = (Uid::from_raw(told.uid()), Gid::from_raw(told.gid()));
        let data = Folder { handle: handle.into(), path: data.to_owned(), owner };
        names.iter().try_fold(data, |folder, name| folder.inner(name))
    }

    fn inner(&self, name: &str) -> Result<Folder, AccessError> {
        let path = self.path.join(name);
        let failed = || AccessError::io(&path, "made");
        let made = match mkdirat(&self.handle, name, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(failed()(error.into())),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = openat(&self.handle, name, flags, Mode::empty()).map_err(linked).map_err(failed())?;
        if made {
            self.give(&handle).map_err(io::Error::from).map_err(failed())?;
        }
        Ok(Folder { handle, path, owner: self.owner })
    }

    /// A file that is appended to, which is made where there is none.
    pub(super) fn append(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match self.make(name, flags) {
            Err(Errno::EXIST) => {}
            made => return Ok(made?.into()),
        }
        let file = File::from(openat(&self.handle, name, flags, Mode::empty()).map_err(linked)?);
        let told = file.metadata()?;
        if !told.is_file() || told.nlink() != 1 {
            return Err(linked(Errno::LOOP));
        }
        Ok(file)
    }

    /// A new file, instead of one that may be there.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        match unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.make(name, OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC)?.into())
    }

    /// Gives a file another name, in the place of what had it.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(&self.handle, from, &self.handle, to)?)
    }

    /// Waits until what was made and renamed is on disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.handle)?)
    }

    fn make(&self, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CREATE | OFlags::EXCL;
        let made = openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR)?;
        self.give(&made)?;
        Ok(made)
    }

    /// Gives what was just made to the owner of the data folder: a root that works on it must not lock the daemon out.
    fn give(&self, made: impl AsFd) -> Result<(), Errno> {
        let (owner, group) = self.owner;
        if Uid::from_raw(rustix::fs::fstat(&made)?.st_uid) == owner {
            return Ok(());
        }
        match fchown(made, Some(owner), Some(group)) {
            // Only root can give, and only root needs to: whoever else made it is the one that the daemon runs as.
            Ok(()) | Err(Errno::PERM) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// What the system says of a link that is not followed, in words.
fn linked(error: Errno) -> io::Error {
    match error {
        Errno::LOOP | Errno::NOTDIR => io::Error::other("it is a link or no file of its own; remove it"),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    /// A data folder with `access` in it, and a file beside it that is nobody's business.
    fn scene() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let (data, other) = (place.path().join("data"), place.path().join("shadow"));
        fs::create_dir_all(data.join("access")).unwrap();
        fs::write(&other, "root").unwrap();
        (place, data, other)
    }

    #[test]
    fn no_link_is_followed() {
        let (_place, data, other) = scene();
        let access = data.join("access");
        let folder = Folder::within(&data, &["access"]).unwrap();
        symlink(&other, access.join("soft")).unwrap();
        fs::hard_link(&other, access.join("hard")).unwrap();
        for name in ["soft", "hard"] {
            let why = folder.append(name).unwrap_err().to_string();
            assert!(why.contains("a link") && why.contains("remove it"), "{name}: {why}");
        }
        for name in ["soft", "hard"] {
            folder.create(name).unwrap().write_all(b"own").unwrap();
            assert_eq!(fs::read(access.join(name)).unwrap(), b"own", "instead of the link");
        }
        symlink(other.parent().unwrap(), access.join("elsewhere")).unwrap();
        let why = Folder::within(&data, &["access", "elsewhere"]).unwrap_err().to_string();
        assert!(why.contains("elsewhere cannot be made: it is a link"), "{why}");
        assert_eq!(fs::read(&other).unwrap(), b"root");
    }

    #[test]
    fn what_is_made_is_for_the_owner_of_the_data_folder_alone() {
        let (_place, data, _) = scene();
        // Where nobody but oneself can be the owner, it is oneself.
        chown(&data, Some(54_321), Some(54_321)).ok();
        let owner = fs::metadata(&data).unwrap().uid();
        let folder = Folder::within(&data, &["made", "within"]).unwrap();
        folder.append("appended").unwrap();
        folder.create("created").unwrap();
        for (name, mode) in
            [("", 0o700), ("within", 0o700), ("within/appended", 0o600), ("within/created", 0o600)]
        {
            let told = fs::metadata(data.join("made").join(name)).unwrap();
            assert_eq!((told.uid(), told.mode() & 0o777), (owner, mode), "{name}");
        }
    }
}
