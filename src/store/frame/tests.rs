use std::io::Cursor;

use super::*;

const PAYLOADS: [&[u8]; 4] = [b"first", b"", b"the third is longer than the others", b"last"];

/// A file of four frames, and where each starts (the end of the file as the fifth).
fn sample() -> (Vec<u8>, Vec<u64>) {
    let mut file = Vec::new();
    let mut starts = vec![0];
    for (kind, payload) in (7..).zip(PAYLOADS) {
        append(&mut file, kind, |out| out.extend_from_slice(payload)).unwrap();
        starts.push(file.len() as u64);
    }
    (file, starts)
}

/// The payloads read until the end or an error.
fn read_all(bytes: &[u8]) -> (Vec<Vec<u8>>, Option<FrameError>) {
    let mut reader = FrameReader::new(bytes, "sample", 0);
    let mut payloads = Vec::new();
    loop {
        match reader.next() {
            Ok(None) => return (payloads, None),
            Ok(Some(frame)) => payloads.push(frame.payload.to_vec()),
            Err(error) => return (payloads, Some(error)),
        }
    }
}

#[test]
fn frames_come_back_with_their_offsets_and_kinds() {
    let (file, starts) = sample();
    let mut reader = FrameReader::new(file.as_slice(), "sample", 0);
    for (index, payload) in PAYLOADS.into_iter().enumerate() {
        let kind = 7 + u8::try_from(index).unwrap();
        assert_eq!(reader.next().unwrap(), Some(Frame { offset: starts[index], kind, payload }));
        assert_eq!(reader.offset(), starts[index + 1]);
    }
    assert_eq!(reader.next().unwrap(), None);
}

#[test]
fn write_and_append_make_the_same_bytes() {
    let (file, _) = sample();
    let mut written = Vec::new();
    for (kind, payload) in (7..).zip(PAYLOADS) {
        write(&mut written, kind, payload).unwrap();
    }
    assert_eq!(written, file);
}

#[test]
fn a_frame_larger_than_a_chunk_is_read_whole() {
    let payload: Vec<u8> = (0..3 * CHUNK + 5).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let mut file = Vec::new();
    write(&mut file, 1, b"small").unwrap();
    write(&mut file, 2, &payload).unwrap();
    let (payloads, error) = read_all(&file);
    assert!(error.is_none());
    assert_eq!(payloads, [b"small".to_vec(), payload]);
}

#[test]
fn a_payload_above_the_limit_is_refused_and_leaves_no_trace() {
    let mut out = b"before".to_vec();
    let refused = append(&mut out, 1, |out| out.resize(out.len() + MAX_PAYLOAD + 1, 0));
    assert_eq!(refused, Err(TooLarge { length: MAX_PAYLOAD + 1 }));
    assert_eq!(out, b"before");
    let error = write(&mut out, 1, &vec![0; MAX_PAYLOAD + 1]).unwrap_err();
    assert_eq!((error.kind(), out.as_slice()), (io::ErrorKind::InvalidInput, b"before".as_slice()));
}

#[test]
fn a_file_cut_anywhere_ends_clean_on_a_border_and_torn_elsewhere() {
    let (file, starts) = sample();
    for length in 0..=file.len() {
        let (payloads, error) = read_all(&file[..length]);
        let whole = starts.iter().filter(|start| **start <= length as u64).count() - 1;
        assert_eq!(payloads, PAYLOADS[..whole], "cut to {length} bytes");
        let sound = starts[whole];
        match error {
            None => assert_eq!(sound, length as u64),
            Some(FrameError::Torn { offset, bytes, flaw, .. }) => {
                assert_eq!((offset, bytes, flaw), (sound, length as u64 - sound, Flaw::Cut));
            }
            Some(other) => panic!("cut to {length} bytes: {other}"),
        }
    }
}

#[test]
fn any_flipped_bit_is_a_torn_tail_in_the_last_frame_and_damage_before_it() {
    let (file, starts) = sample();
    for bit in 0..file.len() * 8 {
        let mut file = file.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        let (payloads, error) = read_all(&file);
        let hit = starts.iter().filter(|start| **start <= (bit / 8) as u64).count() - 1;
        assert_eq!(payloads, PAYLOADS[..hit], "bit {bit}");
        match error {
            Some(FrameError::Torn { offset, .. }) => assert_eq!((hit, offset), (3, starts[3]), "bit {bit}"),
            Some(FrameError::Damaged { offset, next_sound, .. }) => {
                assert_eq!((offset, next_sound), (starts[hit], starts[hit + 1]), "bit {bit}");
            }
            other => panic!("bit {bit}: {other:?}"),
        }
    }
}

#[test]
fn after_damage_the_reader_stands_at_the_next_sound_frame() {
    let (mut file, starts) = sample();
    file[0] = 0;
    let mut reader = FrameReader::new(file.as_slice(), "sample", 0);
    let error = reader.next().unwrap_err();
    assert_eq!(
        error.to_string(),
        "sample is damaged: the frame at byte 0 is not sound (it does not start with the magic), the next sound \
         one starts at byte 21; restore the file from a copy"
    );
    assert_eq!(reader.next().unwrap().unwrap().offset, starts[1]);
}

#[test]
fn garbage_longer_than_a_chunk_is_searched_across_its_borders() {
    let (frames, _) = sample();
    for padding in CHUNK - 20..CHUNK + 4 {
        let mut file = vec![0; padding];
        file.extend_from_slice(&frames);
        match read_all(&file).1 {
            Some(FrameError::Damaged { offset: 0, next_sound, .. }) => assert_eq!(next_sound, padding as u64),
            other => panic!("{padding} bytes of garbage: {other:?}"),
        }
    }
}

#[test]
fn a_length_above_the_limit_is_damage_and_not_an_allocation() {
    let (mut file, _) = sample();
    file[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut reader = FrameReader::new(file.as_slice(), "sample", 0);
    let error = reader.next().unwrap_err();
    assert!(matches!(error, FrameError::Damaged { flaw: Flaw::Length(u32::MAX), .. }), "{error}");
    assert!(reader.window.capacity() <= 2 * CHUNK);
}

#[test]
fn a_sound_frame_of_another_version_is_named_and_not_taken_for_damage() {
    let (mut file, starts) = sample();
    let at = usize::try_from(starts[3]).unwrap();
    file[at + 4] = 9;
    let crc = {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&file[at..at + 12]);
        hasher.update(PAYLOADS[3]);
        hasher.finalize()
    };
    file[at + 12..at + 16].copy_from_slice(&crc.to_le_bytes());
    let (payloads, error) = read_all(&file);
    assert_eq!(payloads, PAYLOADS[..3]);
    assert!(matches!(error, Some(FrameError::Version { found: 9, offset, .. }) if offset == starts[3]));
}

#[test]
fn a_read_that_fails_is_an_error_and_not_an_end() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("unplugged"))
        }
    }
    let (file, starts) = sample();
    let mut reader = FrameReader::new(Cursor::new(file).chain(Broken), "sample", 0);
    for _ in PAYLOADS {
        reader.next().unwrap().unwrap();
    }
    let error = reader.next().unwrap_err();
    assert!(matches!(error, FrameError::Io { offset, .. } if offset == starts[4]), "{error}");
}

#[test]
fn a_frame_is_read_where_it_is_known_to_be() {
    let (file, starts) = sample();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames");
    std::fs::write(&path, &file).unwrap();
    let opened = File::open(&path).unwrap();
    let mut payload = b"left over".to_vec();
    assert_eq!(read_at(&opened, &path, starts[2], &mut payload).unwrap(), 9);
    assert_eq!(payload, PAYLOADS[2]);

    let elsewhere = read_at(&opened, &path, starts[2] + 1, &mut payload).unwrap_err();
    assert!(matches!(elsewhere, FrameError::Unsound { flaw: Flaw::Magic, .. }), "{elsewhere}");
    let beyond = read_at(&opened, &path, starts[4], &mut payload).unwrap_err();
    assert!(matches!(beyond, FrameError::Unsound { flaw: Flaw::Cut, .. }), "{beyond}");

    let mut damaged = file.clone();
    damaged[usize::try_from(starts[3]).unwrap() - 1] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let flipped = read_at(&File::open(&path).unwrap(), &path, starts[2], &mut payload).unwrap_err();
    assert!(matches!(flipped, FrameError::Unsound { flaw: Flaw::Checksum, .. }), "{flipped}");
}
