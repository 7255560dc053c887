//! Claims of seeds: each is given once, and those of a process that has ended are given again.

use std::fs;

use apprentice::demos::{Dataset, SeedClaim};
use apprentice::rollout::demonstrate;
use apprentice::scenes::find;
use apprentice::teleop::Skill;

#[test]
fn each_seed_is_claimed_once_until_its_claim_is_dropped() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let claim = |operator: &str| {
        let claim = SeedClaim::take(dir.path(), "../yard", operator, &mut (0..3)).expect("claims");
        claim.inspect(|claim| assert!(claim.seed < 3))
    };
    let claims: Vec<_> = (0..3).map(|_| claim("steady").expect("a free seed")).collect();
    assert_eq!(claims.iter().map(|claim| claim.seed).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(claim("steady").is_none(), "all are claimed");
    assert_eq!(claim("hasty").expect("another operator").seed, 0);
    let mut claims = claims;
    drop(claims.remove(1));
    let again = claim("steady").expect("is free again");
    assert_eq!(again.seed, 1);
    drop((again, claims));
    assert!(!dir.path().join("claims").exists(), "no file is left");
}

#[test]
fn recorded_seeds_and_claims_of_ended_processes() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let episode = demonstrate(&find("slalom").expect("a built-in scene"), Skill::Steady, 4).expect("drives");
    Dataset::create_or_open(dir.path(), &episode.header).and_then(|mut d| d.append(&episode)).expect("appends");
    let claim = || SeedClaim::take(dir.path(), "slalom", "steady", &mut [4, 6, 8].into_iter()).expect("claims");
    let first = claim().expect("a seed");
    assert_eq!(first.seed, 6, "4 is in the dataset");
    // As after a kill: the file is there, and nobody holds it.
    let file =
        fs::read_dir(dir.path().join("claims")).expect("lists").next().expect("a claim").expect("an entry").path();
    let kept = fs::read(&file).expect("reads");
    drop(first);
    fs::create_dir_all(dir.path().join("claims")).expect("creates");
    fs::write(&file, kept).expect("writes");
    fs::write(dir.path().join("claims/notes.txt"), "a person's").expect("writes");
    assert_eq!(claim().expect("a seed").seed, 6);
    assert!(dir.path().join("claims/notes.txt").exists());
}
