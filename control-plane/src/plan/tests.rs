//! What the planner's head says, as properties.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const ALL: usize = usize::MAX;

fn shard_id(number: usize) -> ShardId {
    format!("shard-{number}").parse().expect("a shard id")
}

fn institution(number: usize) -> InstitutionId {
    let spread = (number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    InstitutionId::new(Uuid::from_u128(spread))
}

fn shard(number: usize, weight: u32) -> Shard {
    Shard { id: shard_id(number), state: ShardState::Active, weight, capacity: None, load: 0.0 }
}

fn some_shard() -> impl Strategy<Value = Shard> {
    let state = prop_oneof![
        5 => Just(ShardState::Active),
        1 => Just(ShardState::Draining),
        1 => Just(ShardState::Joining),
    ];
    let capacity = prop_oneof![2 => Just(None), 1 => (0..30_u64).prop_map(Some)];
    (state, 0..4_u32, capacity, 0.0..2.0).prop_map(|(state, weight, capacity, load)| Shard {
        state,
        capacity,
        load,
        ..shard(0, weight)
    })
}

/// A world in any state: pins, moves under way, full shards, draining ones, some in no ring.
fn world() -> impl Strategy<Value = World> {
    (1..6_usize, 0..60_usize).prop_flat_map(|(shards, residents)| {
        let maybe = move |often: u32| {
            prop_oneof![
                often => Just(None),
                1 => (0..shards).prop_map(|at| Some(shard_id(at))),
            ]
        };
        let resident = (0..shards, maybe(5), maybe(9), prop::bool::weighted(0.05)).prop_map(
            |(at, pin, going, is_fixed)| Resident {
                id: institution(0),
                shard: shard_id(at),
                pin,
                going,
                is_fixed,
            },
        );
        let shards = prop::collection::vec(some_shard(), shards);
        let residents = prop::collection::vec(resident, residents);
        (shards, residents).prop_map(|(mut shards, mut residents)| {
            shards.iter_mut().enumerate().for_each(|(at, shard)| shard.id = shard_id(at));
            residents.iter_mut().enumerate().for_each(|(at, one)| one.id = institution(at));
            World { shards, residents }
        })
    })
}

/// A world and what is asked of it.
fn question() -> impl Strategy<Value = (World, Aim)> {
    world().prop_flat_map(|world| {
        let shards = world.shards.len();
        let drain = (0..shards).prop_map(|at| Aim::Drain(shard_id(at)));
        (Just(world), prop_oneof![2 => Just(Aim::Rebalance), 1 => drain])
    })
}

/// Where everybody is at home by the ring.
fn settled(shards: Vec<Shard>, residents: usize) -> World {
    let ring = ring(&shards);
    let residents = (0..residents).map(|at| Resident {
        id: institution(at),
        shard: ring.owner(institution(at)).expect("a ring").clone(),
        pin: None,
        going: None,
        is_fixed: false,
    });
    let residents = residents.collect();
    World { shards, residents }
}

/// The world when the plan has been carried out.
fn after(world: &World, aim: &Aim, solution: &Solution) -> World {
    let mut world = world.clone();
    let to: BTreeMap<_, _> =
        solution.steps.iter().map(|step| (step.institution, &step.to)).collect();
    for resident in &mut world.residents {
        if let Some(to) = to.get(&resident.id) {
            resident.shard = (*to).clone();
        }
    }
    if let Aim::Drain(drained) = aim {
        let drained = world.shards.iter_mut().filter(|shard| shard.id == *drained);
        drained.for_each(|shard| shard.state = ShardState::Draining);
    }
    world
}

fn find<'w>(world: &'w World, id: &ShardId) -> &'w Shard {
    world.shards.iter().find(|shard| shard.id == *id).expect("a shard")
}

fn resident(world: &World, id: InstitutionId) -> &Resident {
    world.residents.iter().find(|resident| resident.id == id).expect("a resident")
}

fn is_active(world: &World, id: &ShardId) -> bool {
    find(world, id).state == ShardState::Active
}

fn ring(shards: &[Shard]) -> Ring {
    let active = shards.iter().filter(|shard| shard.state == ShardState::Active);
    Ring::new(active.map(|shard| (shard.id.clone(), shard.weight)))
}

/// Where pins and the ring want it.
fn home(world: &World, ring: &Ring, resident: &Resident) -> Option<ShardId> {
    let pin = resident.pin.clone().filter(|pin| is_active(world, pin));
    pin.or_else(|| ring.owner(resident.id).cloned())
}

/// How many live on each shard, or will.
fn taken(world: &World) -> BTreeMap<ShardId, u64> {
    let mut taken: BTreeMap<_, _> =
        world.shards.iter().map(|shard| (shard.id.clone(), 0)).collect();
    for resident in &world.residents {
        *taken
            .entry(resident.going.clone().unwrap_or_else(|| resident.shard.clone()))
            .or_default() += 1;
    }
    taken
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn what_is_carried_out_is_not_planned_again((world, aim) in question()) {
        let solution = solve(&world, &aim, ALL);
        let again = solve(&after(&world, &aim, &solution), &aim, ALL);
        prop_assert_eq!(again.steps, vec![]);
    }

    #[test]
    fn what_is_under_way_is_not_planned_again((world, aim) in question()) {
        let solution = solve(&world, &aim, ALL);
        let mut begun = world.clone();
        for resident in &mut begun.residents {
            let step = solution.steps.iter().find(|step| step.institution == resident.id);
            resident.going = resident.going.take().or_else(|| step.map(|step| step.to.clone()));
        }
        prop_assert_eq!(solve(&begun, &aim, ALL).steps, vec![]);
    }

    #[test]
    fn nobody_moves_needlessly((world, aim) in question()) {
        let wanted = after(&world, &aim, &Solution::default());
        let (ring, mut moved) = (ring(&wanted.shards), BTreeSet::new());
        for step in solve(&world, &aim, ALL).steps {
            prop_assert!(moved.insert(step.institution), "{step:?} twice");
            let one = resident(&world, step.institution);
            prop_assert!(one.shard == step.from && step.from != step.to);
            prop_assert!(one.going.is_none() && !one.is_fixed);
            prop_assert!(is_active(&wanted, &step.to));
            let home = home(&wanted, &ring, one).expect("a home");
            prop_assert!(home != step.from, "{step:?} was at home");
            match &step.why {
                Why::Pinned(to) => prop_assert!(Some(to) == one.pin.as_ref() && *to == step.to),
                Why::Ring(to) => {
                    prop_assert!(*to == step.to && *to == home && is_active(&wanted, &step.from));
                }
                Why::Drained(from) => {
                    prop_assert!(*from == step.from && step.to == home && !is_active(&wanted, from));
                }
                Why::DrainedPastFull(from, full) => {
                    prop_assert!(*from == step.from && !is_active(&wanted, from) && *full == home);
                }
            }
            if let Aim::Drain(drained) = &aim {
                prop_assert_eq!(drained, &step.from);
            }
        }
    }

    #[test]
    fn who_is_pinned_goes_to_its_pin_or_stays((world, aim) in question()) {
        let wanted = after(&world, &aim, &Solution::default());
        for step in solve(&world, &aim, ALL).steps {
            let one = resident(&world, step.institution);
            if let Some(pin) = one.pin.as_ref().filter(|pin| is_active(&wanted, pin))
                && is_active(&wanted, &step.from)
            {
                prop_assert_eq!(pin, &step.to);
            }
        }
    }

    #[test]
    fn a_drained_shard_ends_empty_while_anybody_has_room(world in world(), at in 0..6_usize) {
        let drained = world.shards[at % world.shards.len()].id.clone();
        let aim = Aim::Drain(drained.clone());
        let solution = solve(&world, &aim, ALL);
        let end = after(&world, &aim, &solution);
        let left: Vec<_> = end.residents.iter()
            .filter(|one| one.shard == drained && one.going.is_none() && !one.is_fixed)
            .collect();
        let taken = taken(&end);
        let open = end.shards.iter().filter(|shard| {
            shard.state == ShardState::Active && shard.weight > 0
                && shard.capacity.is_none_or(|most| taken[&shard.id] < most)
        });
        prop_assert!(left.is_empty() || open.count() == 0, "{left:?}");
    }

    #[test]
    fn after_an_add_all_goes_to_the_new_shard(
        weights in prop::collection::vec(1..4_u32, 1..5), new in 1..4_u32,
    ) {
        let old = weights.iter().enumerate().map(|(at, weight)| shard(at, *weight));
        let mut world = settled(old.collect(), 300);
        world.shards.push(shard(99, new));
        let solution = solve(&world, &Aim::Rebalance, ALL);
        prop_assert!(!solution.steps.is_empty());
        prop_assert!(solution.steps.iter().all(|step| step.to == shard_id(99)));
        prop_assert!(solution.steps.len() < 300);
    }

    #[test]
    fn after_each_move_nobody_is_over_capacity((world, aim) in question()) {
        let mut taken = taken(&world);
        for step in solve(&world, &aim, ALL).steps {
            *taken.get_mut(&step.from).expect("a shard") -= 1;
            *taken.get_mut(&step.to).expect("a shard") += 1;
            if let Some(most) = find(&world, &step.to).capacity {
                prop_assert!(taken[&step.to] <= most, "{step:?}: {} of {most}", taken[&step.to]);
            }
        }
    }

    #[test]
    fn a_shard_of_weight_0_gets_nobody_but_who_is_pinned_to_it((world, aim) in question()) {
        for step in solve(&world, &aim, ALL).steps {
            let alone = find(&world, &step.to).weight == 0;
            prop_assert!(!alone || step.why == Why::Pinned(step.to.clone()), "{step:?}");
        }
    }

    #[test]
    fn the_order_of_what_is_known_does_not_matter((world, aim) in question(), turn in 0..60_usize) {
        let mut other = world.clone();
        other.shards.reverse();
        if !other.residents.is_empty() {
            let turn = turn % other.residents.len();
            other.residents.rotate_left(turn);
        }
        prop_assert_eq!(solve(&world, &aim, ALL), solve(&other, &aim, ALL));
    }

    #[test]
    fn plans_of_a_limited_length_come_to_the_same_end((world, aim) in question(), most in 1..9_usize) {
        let whole = solve(&world, &aim, ALL);
        let (mut now, mut steps) = (world.clone(), 0);
        loop {
            let part = solve(&now, &aim, most);
            prop_assert!(part.steps.len() <= most);
            prop_assert_eq!(part.more > 0, part.steps.len() + part.more > most);
            if part.steps.is_empty() {
                break;
            }
            steps += part.steps.len();
            prop_assert!(steps <= 2 * world.residents.len(), "it does not end");
            now = after(&now, &aim, &part);
        }
        prop_assert_eq!(solve(&now, &aim, ALL).steps, vec![]);
        prop_assert!(steps >= whole.steps.len().min(1));
    }
}

#[test]
fn the_busiest_shard_is_relieved_first() {
    let mut world = settled(vec![shard(0, 1), shard(1, 1)], 200);
    world.shards[1].load = 0.9;
    world.shards.push(shard(2, 1));
    let solution = solve(&world, &Aim::Rebalance, ALL);
    let sources: Vec<_> = solution.steps.iter().map(|step| step.from.clone()).collect();
    let turn = sources.iter().position(|from| *from == shard_id(0)).expect("both are relieved");
    assert!(turn > 0 && sources[..turn].iter().all(|from| *from == shard_id(1)));
    assert!(sources[turn..].iter().all(|from| *from == shard_id(0)), "{sources:?}");
}

#[test]
fn two_full_shards_wait_for_each_other_and_say_so() {
    let mut world = settled(vec![shard(0, 1), shard(1, 1)], 20);
    // Everybody is on the wrong one.
    for one in &mut world.residents {
        one.shard = shard_id(usize::from(one.shard == shard_id(0)));
    }
    let taken = taken(&world);
    for shard in &mut world.shards {
        shard.capacity = taken.get(&shard.id).copied();
    }
    let solution = solve(&world, &Aim::Rebalance, ALL);
    assert_eq!((solution.steps.len(), solution.no_room.len()), (0, 20));
    // With one place more all of them follow each other.
    world.shards[0].capacity = world.shards[0].capacity.map(|most| most + 20);
    world.shards[1].capacity = world.shards[1].capacity.map(|most| most + 20);
    assert_eq!(solve(&world, &Aim::Rebalance, ALL).steps.len(), 20);
}
