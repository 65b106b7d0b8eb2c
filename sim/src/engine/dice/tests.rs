//! Tests of the dice: lists that are kept, played and followed.

use super::*;

fn draws(dice: &mut Dice) -> Vec<u64> {
    let tickets = [
        Ticket {
            below: 1 << 30,
            rule: 4,
        },
        Ticket {
            below: 1 << 31,
            rule: 9,
        },
    ];
    (1..200)
        .flat_map(|n| {
            let hit = dice.lottery(&tickets).map_or(99, u64::from);
            [
                dice.below(Purpose::Delay, n),
                hit,
                dice.within(Purpose::Pause, 5, 5 + (n << 30)),
            ]
        })
        .collect()
}

#[test]
fn a_recorded_list_plays_back_the_same_draws() {
    let mut recording = Dice::recording(7);
    let first = draws(&mut recording);

    let mut playing = Dice::playing(recording.take_choices());

    assert_eq!(draws(&mut playing), first);
    assert_eq!(playing.misfit(), None);
    assert_eq!(
        draws(&mut Dice::new(7)),
        first,
        "recording must not change the draws"
    );
    assert_ne!(draws(&mut Dice::new(8)), first);
}

#[test]
fn a_list_that_is_short_long_or_out_of_bounds_is_a_misfit_at_its_place() {
    let mut short = Dice::playing(vec![1]);
    let values = [
        short.below(Purpose::Delay, 2),
        short.below(Purpose::Delay, 2),
    ];
    assert_eq!((values, short.misfit()), ([1, 0], Some(1)));

    let mut beyond = Dice::playing(vec![0, 7]);
    let values = [
        beyond.below(Purpose::Delay, 2),
        beyond.below(Purpose::Delay, 2),
    ];
    assert_eq!((values, beyond.misfit()), ([0, 0], Some(1)));

    let mut long = Dice::playing(vec![0, 0, 0]);
    long.below(Purpose::Delay, 2);
    assert_eq!(long.misfit(), Some(1));
}

#[test]
fn a_list_that_is_followed_is_made_to_fit_and_goes_on_as_it_is_told() {
    let mut recording = Dice::recording(7);
    let first = draws(&mut recording);
    let mut list = recording.take_choices();

    let mut same = Dice::following(list.clone(), Rest::First);
    assert_eq!(draws(&mut same), first);
    assert_eq!(same.take_choices(), list);

    list.truncate(1);
    list[0] = u32::MAX;
    for rest in [Rest::First, Rest::Seed(9)] {
        let mut bent = Dice::following(list.clone(), rest);
        let bent_draws = draws(&mut bent);
        let mut playing = Dice::playing(bent.take_choices());
        assert_eq!(draws(&mut playing), bent_draws, "what was kept fits");
        assert_eq!(playing.misfit(), None);
    }
}

#[test]
fn a_sorted_list_gives_the_same_draws_and_bears_a_choice_too_few() {
    let mut recording = Dice::recording(7);
    let first = draws(&mut recording);
    let list = recording.take_choices();
    let mut telling = Dice::telling_kinds(list.clone());
    assert_eq!(draws(&mut telling), first);
    let (kinds, told): (Vec<u8>, Vec<u32>) = telling
        .take_choices()
        .chunks_exact(2)
        .map(|pair| (pair[0] as u8, pair[1]))
        .unzip();
    assert_eq!(told, list);

    let mut same = Dice::following_sorted(Sorted::new(&list, &kinds), Rest::First);
    assert_eq!(draws(&mut same), first);
    assert_eq!(same.take_choices(), list);

    // The second choice is a delay.
    let (mut list, mut kinds) = (list, kinds);
    list.remove(1);
    assert_eq!(kinds.remove(1), Purpose::Delay as u8);
    let mut fewer = Dice::following_sorted(Sorted::new(&list, &kinds), Rest::First);
    let others = |draws: &[u64]| -> Vec<u64> {
        let pairs = draws.chunks(3).map(|draws| [draws[1], draws[2]]);
        pairs.flatten().collect()
    };
    assert_eq!(others(&draws(&mut fewer)), others(&first));
}

#[test]
fn a_chance_of_one_always_comes_true_and_an_empty_lottery_never() {
    let mut dice = Dice::new(1);
    let certain = [Ticket {
        below: 1 << 32,
        rule: 3,
    }];

    assert!((0..100).all(|_| dice.lottery(&certain) == Some(3)));
    assert_eq!(dice.lottery(&[]), None);
}

#[test]
fn a_whim_is_the_same_whether_choices_are_kept_or_not_and_is_not_among_them() {
    let whims = |mut dice: Dice| {
        let whims = [0; 20].map(|_| dice.whim(Purpose::Liking, 1000));
        (whims, dice.take_choices())
    };

    assert_eq!(whims(Dice::recording(7)), whims(Dice::new(7)));
    assert_eq!(whims(Dice::recording(7)).1, [0; 0]);
    assert_ne!(whims(Dice::new(8)).0, whims(Dice::new(7)).0);
}

#[test]
fn a_draw_of_one_purpose_does_not_shift_another() {
    let mut plain = Dice::new(3);
    let mut mixed = Dice::new(3);
    mixed.below(Purpose::Fault, 1000);

    let same = (0..50).all(|_| plain.below(Purpose::Delay, 99) == mixed.below(Purpose::Delay, 99));

    assert!(same);
}
