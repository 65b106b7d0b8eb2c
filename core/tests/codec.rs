//! What becomes of a block's bytes when a store tears, rots or misplaces them.
#![cfg(test)]

use bivalent_core::{
    AgentId, Ballot, Block, Format, Incarnation, Layout, LayoutError, Place, StoreId, Unreadable,
    Value, Version, Vote,
};
use proptest::{prelude::*, sample::subsequence};

const FORMATS: [Format; 4] = [
    Format::Raw,
    Format::Checked,
    Format::Dual,
    Format::Versioned,
];
const HERE: Place = Place {
    store: StoreId(1),
    owner: AgentId(2),
};

fn place() -> impl Strategy<Value = Place> {
    (0..=u8::MAX, 0..10_000_u16).prop_map(|(store, owner)| Place {
        store: StoreId(store),
        owner: AgentId(owner),
    })
}

/// A block as agents write them: `bal` is at most `mbal`, and 0 is a value like any other.
fn block() -> impl Strategy<Value = Block> {
    let ballot = |round, (agent, start)| Ballot::new(round, AgentId(agent), Incarnation(start));
    let inp = prop_oneof![0..3_u64, any::<u64>()];
    let start = prop_oneof![0..3_u64, any::<u64>()];
    let owner = (0..10_000_u16, start);
    (1..1000_u64, owner, any::<bool>(), 0..1000_u64, inp).prop_map(
        move |(round, owner, has_vote, behind, inp)| Block {
            mbal: Some(ballot(round, owner)),
            vote: has_vote.then(|| Vote {
                bal: ballot(round.saturating_sub(behind).max(1), owner),
                inp: Value(inp),
            }),
        },
    )
}

fn version() -> impl Strategy<Value = Version> {
    (0..3_u64, 1..1000_u64).prop_map(|(i, count)| Version::new(Incarnation(i), count))
}

/// Slots of 72 to 576 bytes out of sectors of 8 bytes to the whole slot.
fn layout(format: Format) -> impl Strategy<Value = Layout> {
    let slots = if format == Format::Dual { 2 } else { 1 };
    (1..=8_u32, 0..=8_u32).prop_map(move |(words, more)| {
        let sector = 8 * words;
        let slot = sector * (72_u32.div_ceil(sector) + more);
        Layout::new(slot * slots, sector, format).unwrap()
    })
}

fn any_layout() -> impl Strategy<Value = Layout> {
    proptest::sample::select(&FORMATS).prop_flat_map(layout)
}

fn fresh(layout: Layout) -> Vec<u8> {
    vec![0; layout.size() as usize]
}

/// The image that is left when of a write over `old` only some sectors get through.
fn torn(layout: Layout, version: Version, old: &[u8], new: &[u8], kept: &[usize]) -> Vec<u8> {
    let mut image = old.to_vec();
    let start = layout.slot(version).start;
    for &index in kept {
        let sector = layout.sector() as usize;
        let range = start + index * sector..start + (index + 1) * sector;
        image[range.clone()].copy_from_slice(&new[range]);
    }
    image
}

/// A layout, and any subset of the sectors that one write covers.
fn tear(format: Format) -> impl Strategy<Value = (Layout, Vec<usize>)> {
    layout(format).prop_flat_map(|layout| {
        let sectors: Vec<usize> = (0..layout.sectors_per_write() as usize).collect();
        let count = 0..=sectors.len();
        (Just(layout), subsequence(sectors, count))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_block_decodes_to_itself(
        layout in any_layout(), place in place(), version in version(), block in block(),
    ) {
        let mut image = fresh(layout);
        layout.encode(place, version, block, &mut image);

        prop_assert_eq!(layout.decode(place, &image), Ok((block, version)));
    }

    #[test]
    fn the_newest_of_many_writes_counts(
        layout in any_layout(), first in version(), blocks in prop::collection::vec(block(), 1..6),
    ) {
        let mut image = fresh(layout);
        let mut version = first;

        for block in blocks {
            layout.encode(HERE, version, block, &mut image);
            prop_assert_eq!(layout.decode(HERE, &image), Ok((block, version)));
            version = version.next(version.incarnation());
        }
    }

    #[test]
    fn a_torn_checked_block_is_the_old_one_or_the_new_one_or_unreadable(
        (layout, kept) in tear(Format::Checked),
        before in prop::option::of(block()),
        after in block(),
        version in version(),
    ) {
        let mut old = fresh(layout);
        if let Some(before) = before {
            layout.encode(HERE, version, before, &mut old);
        }
        let expected = layout.decode(HERE, &old).unwrap();
        let next = version.next(version.incarnation());
        let mut new = old.clone();
        layout.encode(HERE, next, after, &mut new);

        if let Ok(found) = layout.decode(HERE, &torn(layout, next, &old, &new, &kept)) {
            prop_assert!(found == expected || found == (after, next), "{found:?}");
        }
    }

    #[test]
    fn a_torn_dual_block_is_the_old_one_or_the_new_one(
        (layout, kept) in tear(Format::Dual),
        history in prop::collection::vec(block(), 0..4),
        after in block(),
        restarts in any::<bool>(),
    ) {
        let mut old = fresh(layout);
        let mut version = Version::default();
        for before in history {
            version = version.next(Incarnation(0));
            layout.encode(HERE, version, before, &mut old);
        }
        let expected = layout.decode(HERE, &old);
        let next = version.next(Incarnation(u64::from(restarts)));
        let mut new = old.clone();
        layout.encode(HERE, next, after, &mut new);

        let found = layout.decode(HERE, &torn(layout, next, &old, &new, &kept));

        prop_assert!(found == expected || found == Ok((after, next)), "{found:?}");
    }

    #[test]
    fn a_dual_block_whose_torn_write_is_retried_is_the_new_one(
        (layout, kept) in tear(Format::Dual), before in block(), after in block(),
    ) {
        let [one, two] = [1, 2].map(|count| Version::new(Incarnation(0), count));
        let mut image = fresh(layout);
        layout.encode(HERE, one, before, &mut image);
        let mut whole = image.clone();
        layout.encode(HERE, two, after, &mut whole);
        image = torn(layout, two, &image, &whole, &kept);

        layout.encode(HERE, two, after, &mut image);

        prop_assert_eq!(layout.decode(HERE, &image), Ok((after, two)));
    }

    #[test]
    fn a_block_at_another_place_is_unreadable(
        layout in any_layout(), from in place(), to in place(), block in block(), v in version(),
    ) {
        prop_assume!(layout.format() != Format::Raw && from != to);
        let mut image = fresh(layout);
        layout.encode(from, v, block, &mut image);
        layout.encode(from, v.next(v.incarnation()), block, &mut image);

        prop_assert_eq!(layout.decode(to, &image), Err(Unreadable));
    }

    #[test]
    fn a_misdirected_write_costs_a_dual_block_at_most_one_version(
        layout in layout(Format::Dual), other in place(), blocks in prop::array::uniform3(block()),
    ) {
        prop_assume!(other != HERE);
        let [one, two] = [1, 2].map(|count| Version::new(Incarnation(0), count));
        for hit in [one, two] {
            let mut image = fresh(layout);
            layout.encode(HERE, one, blocks[0], &mut image);
            layout.encode(HERE, two, blocks[1], &mut image);

            layout.encode(other, hit, blocks[2], &mut image);

            let left = if hit == one { (blocks[1], two) } else { (blocks[0], one) };
            prop_assert_eq!(layout.decode(HERE, &image), Ok(left));
        }
    }

    #[test]
    fn flipped_bits_make_a_checked_block_unreadable(
        layout in prop_oneof![layout(Format::Checked), layout(Format::Versioned)],
        block in block(), version in version(),
        flips in prop::collection::vec(any::<prop::sample::Index>(), 1..=8),
    ) {
        let mut image = fresh(layout);
        layout.encode(HERE, version, block, &mut image);
        let sound = image.clone();

        flip(&mut image, &flips);

        prop_assume!(image != sound);
        prop_assert_eq!(layout.decode(HERE, &image), Err(Unreadable));
    }

    #[test]
    fn flipped_bits_take_a_dual_block_back_one_version_at_most(
        layout in layout(Format::Dual), before in block(), after in block(), one in version(),
        flips in prop::collection::vec(any::<prop::sample::Index>(), 1..=8),
    ) {
        let two = one.next(one.incarnation());
        let mut image = fresh(layout);
        layout.encode(HERE, one, before, &mut image);
        layout.encode(HERE, two, after, &mut image);

        flip(&mut image, &flips);

        if let Ok(found) = layout.decode(HERE, &image) {
            prop_assert!(found == (before, one) || found == (after, two));
        }
    }

    #[test]
    fn no_bytes_make_decode_panic(
        layout in any_layout(), bytes in prop::collection::vec(any::<u8>(), 0..1200), cut in any::<bool>(),
    ) {
        let mut image = bytes;
        if cut {
            image.resize(layout.size() as usize, 0);
        }

        let found = layout.decode(HERE, &image);

        prop_assert!(found.is_err() || image.len() == layout.size() as usize);
    }
}

fn flip(image: &mut [u8], flips: &[prop::sample::Index]) {
    for at in flips {
        let bit = at.index(image.len() * 8);
        image[bit / 8] ^= 1 << (bit % 8);
    }
}

fn vote(round: u64, inp: u64) -> Block {
    let ballot = Ballot::new(round, HERE.owner, Incarnation(0));
    Block {
        mbal: Some(ballot),
        vote: Some(Vote {
            bal: ballot,
            inp: Value(inp),
        }),
    }
}

#[test]
fn a_block_never_written_is_the_empty_block_in_every_format() {
    for format in FORMATS {
        let layout = Layout::new(512, 256, format).unwrap();

        let found = layout.decode(HERE, &fresh(layout));

        assert_eq!(found, Ok((Block::default(), Version::default())));
    }
}

#[test]
fn every_single_flipped_bit_of_a_checked_block_is_noticed() {
    let layout = Layout::new(128, 64, Format::Checked).unwrap();
    let mut image = fresh(layout);
    layout.encode(
        HERE,
        Version::new(Incarnation(0), 1),
        vote(3, 30),
        &mut image,
    );

    for bit in 0..image.len() * 8 {
        image[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(layout.decode(HERE, &image), Err(Unreadable), "bit {bit}");
        image[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn a_torn_raw_block_can_be_a_third_one_with_the_new_bal_and_the_old_inp() {
    let layout = Layout::new(512, 256, Format::Raw).unwrap();
    let [one, two] = [1, 2].map(|count| Version::new(Incarnation(0), count));
    let mut old = fresh(layout);
    layout.encode(HERE, one, vote(1, 10), &mut old);
    let mut new = old.clone();
    layout.encode(HERE, two, vote(2, 20), &mut new);

    let image = torn(layout, two, &old, &new, &[0]);

    assert_eq!(layout.decode(HERE, &image), Ok((vote(2, 10), two)));
}

#[test]
fn an_image_of_another_format_is_unreadable() {
    let [checked, versioned] =
        [Format::Checked, Format::Versioned].map(|format| Layout::new(128, 64, format).unwrap());
    let mut image = fresh(checked);
    checked.encode(
        HERE,
        Version::new(Incarnation(0), 1),
        vote(1, 1),
        &mut image,
    );

    assert_eq!(versioned.decode(HERE, &image), Err(Unreadable));
}

#[test]
fn an_image_of_another_size_is_unreadable() {
    for format in FORMATS {
        let layout = Layout::new(256, 64, format).unwrap();
        let image = [0; 257];

        for size in [0, 1, 7, 8, 63, 64, 127, 128, 255, 257] {
            let found = layout.decode(HERE, &image[..size]);
            assert_eq!(found, Err(Unreadable), "{format:?} of {size} bytes");
        }
    }
}

#[test]
fn one_write_of_a_dual_block_leaves_the_other_slot_alone() {
    let layout = Layout::new(256, 64, Format::Dual).unwrap();

    let slots = [0, 1, 2].map(|count| layout.slot(Version::new(Incarnation(0), count)));

    assert_eq!(slots, [0..128, 128..256, 0..128]);
    assert_eq!(layout.sectors_per_write(), 2);
}

#[test]
fn a_layout_that_cannot_hold_a_block_is_refused() {
    let size = |size, least| Err(LayoutError::Size { size, least });
    let sector = |sector, slot| Err(LayoutError::Sector { sector, slot });
    let table = [
        ((63, 8, Format::Raw), size(63, 64)),
        ((127, 8, Format::Dual), size(127, 144)),
        ((65_537, 8, Format::Checked), size(65_537, 72)),
        ((64, 0, Format::Raw), sector(0, 64)),
        ((63, 8, Format::Checked), size(63, 72)),
        ((64, 64, Format::Versioned), size(64, 72)),
        ((72, 4, Format::Checked), sector(4, 72)),
        ((96, 128, Format::Checked), sector(128, 96)),
        ((128, 48, Format::Versioned), sector(48, 128)),
        ((256, 256, Format::Dual), sector(256, 128)),
        ((257, 64, Format::Dual), sector(64, 128)),
        ((64, 64, Format::Raw), Ok(1)),
        ((72, 72, Format::Checked), Ok(1)),
        ((144, 72, Format::Dual), Ok(1)),
        ((256, 64, Format::Dual), Ok(2)),
        ((65_536, 512, Format::Checked), Ok(128)),
    ];

    for ((size, sector, format), expected) in table {
        let found = Layout::new(size, sector, format).map(Layout::sectors_per_write);
        assert_eq!(found, expected, "{size} {sector} {format:?}");
    }
}
