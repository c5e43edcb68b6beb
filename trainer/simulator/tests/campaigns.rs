//! Small campaigns of simulations, from their start to the files.

use std::path::Path;

use simulator::{
    campaign::{BoxManifest, Campaign, Shard, Watch},
    cosmology::{Halofit, LinearPower, Wiggles},
    evolution::Setting,
    parameters::Parameters,
    ray_tracing::RayTracing,
};
use storage::runs::{Ending, Interruption};

const WHOLE: Shard = Shard { index: 1, of: 1 };

/// 16^3 particles and maps of 64 pixels: seconds.
fn small() -> Parameters {
    Parameters {
        particles: 16,
        box_side: 50.0,
        mesh_factor: 2,
        start_redshift: 9.0,
        steps: 6,
        maps: 2,
        pixels: 64,
        side_angle: 0.5,
        source_redshifts: vec![0.5, 1.0],
        shell_thickness: 50.0,
        power_redshifts: vec![0.0],
        ..Parameters::laptop()
    }
}

fn campaign(out: &Path, parameters: Parameters, shard: Shard, boxes: usize) -> Campaign {
    Campaign { setting: Setting::new(parameters).unwrap(), seed: 1, boxes, shard, out: out.into() }
}

/// Asks to stop after some steps.
struct StopAfter<'a> {
    steps: usize,
    interruption: &'a Interruption,
    begun_at: Vec<usize>,
}

impl Watch for StopAfter<'_> {
    fn begin(&mut self, _number: usize, step: usize, _steps: usize) {
        self.begun_at.push(step);
    }

    fn step(&mut self) {
        self.steps = self.steps.saturating_sub(1);
        if self.steps == 0 {
            self.interruption.ask();
        }
    }

    fn end(&mut self, _number: usize) {}
}

/// Runs on, and says at which step each box began.
fn run(campaign: &Campaign, steps: usize) -> (Ending, Vec<usize>) {
    let interruption = Interruption::default();
    let mut watch = StopAfter { steps, interruption: &interruption, begun_at: Vec::new() };
    (campaign.run(&mut watch, &interruption).unwrap(), watch.begun_at)
}

/// What it says when it is not made.
fn refusal(campaign: &Campaign) -> String {
    let interruption = Interruption::default();
    let mut watch = StopAfter { steps: usize::MAX, interruption: &interruption, begun_at: Vec::new() };
    campaign.run(&mut watch, &interruption).unwrap_err().to_string()
}

fn maps(out: &Path, number: usize) -> [Vec<u8>; 2] {
    ["z0.500", "z1.000"].map(|folder| std::fs::read(out.join(format!("{folder}/box-{number:04}.npy"))).unwrap())
}

#[test]
fn an_interrupted_box_ends_as_an_uninterrupted_one_on_any_number_of_threads() {
    for ray_tracing in [RayTracing::Born, RayTracing::MultiPlane] {
        let folder = tempfile::tempdir().unwrap();
        let parameters = Parameters { ray_tracing, ..small() };
        let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
        let threads = |count| rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
        let one = campaign(&whole, parameters.clone(), WHOLE, 1);
        assert_eq!(threads(1).install(|| run(&one, usize::MAX)), (Ending::Complete, vec![0]));
        let other = campaign(&parts, parameters, WHOLE, 1);
        let three = threads(3);
        assert_eq!(three.install(|| run(&other, 2)), (Ending::Interrupted, vec![0]));
        assert!(parts.join("boxes/box-0000.checkpoint").is_file());
        assert_eq!(three.install(|| run(&other, 3)), (Ending::Interrupted, vec![2]));
        assert_eq!(three.install(|| run(&other, usize::MAX)), (Ending::Complete, vec![5]));
        assert!(maps(&whole, 0) == maps(&parts, 0), "{ray_tracing:?}");
        // Nothing is left of the way, and nothing is done again.
        assert_eq!(std::fs::read_dir(parts.join("boxes")).unwrap().count(), 1);
        assert_eq!(run(&other, usize::MAX), (Ending::Complete, vec![]));
    }
}

#[test]
fn jobs_share_the_boxes_and_refuse_those_of_other_parameters() {
    let folder = tempfile::tempdir().unwrap();
    let parameters = Parameters { paired: true, fixed_amplitude: true, steps: 3, ..small() };
    for (index, expected) in [(1, 2), (2, 1)] {
        let (ending, begun) = run(&campaign(folder.path(), parameters.clone(), Shard { index, of: 2 }, 3), usize::MAX);
        assert_eq!((ending, begun.len()), (Ending::Complete, expected));
    }
    let manifests: Vec<BoxManifest> = (0..3)
        .map(|number| BoxManifest::read(&folder.path().join(format!("boxes/box-{number:04}.json"))).unwrap())
        .collect();
    let seeds: Vec<u64> = manifests.iter().map(|manifest| manifest.box_seed).collect();
    assert!(seeds[0] == seeds[1] && seeds[1] != seeds[2]);
    assert_eq!(manifests.iter().map(|manifest| manifest.inverted).collect::<Vec<_>>(), [false, true, false]);
    assert!(maps(folder.path(), 0) != maps(folder.path(), 1));
    let other = campaign(folder.path(), Parameters { steps: 4, ..parameters }, WHOLE, 3);
    assert!(refusal(&other).contains("other parameters"));
}

#[test]
fn a_box_that_another_job_makes_or_whose_planes_are_gone_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let parameters = Parameters { ray_tracing: RayTracing::MultiPlane, ..small() };
    let one = campaign(folder.path(), parameters, WHOLE, 1);
    assert_eq!(run(&one, 3).0, Ending::Interrupted);
    let boxes = folder.path().join("boxes");
    let held = std::fs::File::create(boxes.join("box-0000.lock")).unwrap();
    held.lock().unwrap();
    assert!(refusal(&one).contains("another job is making box 1"));
    drop(held);
    std::fs::rename(boxes.join("box-0000.planes"), boxes.join("elsewhere")).unwrap();
    assert!(refusal(&one).contains("box-0000.planes is gone"));
    std::fs::rename(boxes.join("elsewhere"), boxes.join("box-0000.planes")).unwrap();
    assert_eq!(run(&one, usize::MAX), (Ending::Complete, vec![3]));
}

/// Power today of a box of 32^3 particles.
fn power(steps: usize) -> Vec<(f64, f64)> {
    let folder = tempfile::tempdir().unwrap();
    let parameters = Parameters { particles: 32, steps, maps: 1, fixed_amplitude: true, ..small() };
    assert_eq!(run(&campaign(folder.path(), parameters, WHOLE, 1), usize::MAX).0, Ending::Complete);
    let manifest = BoxManifest::read(&folder.path().join("boxes/box-0000.json")).unwrap();
    manifest.power[0].bins.iter().map(|bin| (bin.k, bin.power)).collect()
}

#[test]
fn twice_the_steps_change_little_and_power_is_that_of_structure() {
    let (coarse, fine) = (power(24), power(48));
    let linear = LinearPower::new(&small().cosmology, Wiggles::With).unwrap();
    let halofit = Halofit::new(&linear, 1.0).unwrap();
    let (mut compared, mut sum) = (0, 0.0);
    for ((k, coarse), (_, fine)) in coarse.into_iter().zip(fine).filter(|((k, _), _)| (0.2..0.8).contains(k)) {
        println!("k {k:.2}: {coarse:.2} {fine:.2}, halofit {:.2}", halofit.at(k));
        assert!((coarse / fine - 1.0).abs() < 0.05, "k {k}: {coarse} {fine}");
        compared += 1;
        sum += fine / halofit.at(k);
    }
    // A single small box without long waves: structure is there, and not by far too much or too little.
    let mean = sum / f64::from(compared);
    assert!(compared > 8 && (0.7..1.3).contains(&mean), "{compared} {mean}");
}

#[test]
fn parameters_without_sense_are_refused_with_what_to_change() {
    let refused = |parameters: Parameters| match parameters.validate() {
        Ok(()) => Setting::new(parameters).err().unwrap().to_string(),
        Err(error) => error.to_string(),
    };
    assert!(refused(Parameters { particles: 31, ..small() }).contains("--particles"));
    assert!(refused(Parameters { shell_thickness: 60.0, ..small() }).contains("--shell-thickness"));
    assert!(refused(Parameters { source_redshifts: vec![12.0], ..small() }).contains("redshift"));
    assert!(refused(Parameters { source_redshifts: vec![f64::NAN], ..small() }).contains("redshift"));
    assert!(refused(Parameters { source_redshifts: vec![0.5, 0.5001], ..small() }).contains("--source-redshifts"));
    let late = Parameters { source_redshifts: vec![8.99], write_planes: true, side_angle: 0.2, ..small() };
    assert!(refused(late).contains("--start-redshift"));
    assert!(refused(Parameters { side_angle: 2.0, ..small() }).contains("would repeat"));
    let mut unknown = small();
    unknown.cosmology.sigma_8 = None;
    assert!(refused(unknown).contains("--sigma-8"));
}
