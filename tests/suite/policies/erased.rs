//! A network behind a trait object passes every kind of parameter to Burn's visitors and mappers, with its path.

use apprentice::policies::{
    HeadConfig, Network, NetworkConfig, NetworkKind, NetworkSpec, ParameterInit, ParameterSource, PolicyConfig,
    PolicyError, TrunkInput, TrunkModule,
};
use burn::module::{Flag, Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Bool, Device, Int, Tensor};

use crate::testing::learn::layout;

/// A trunk with one parameter of each kind, which returns its inputs.
#[derive(Module, Debug)]
struct Assorted {
    integers: Param<Tensor<1, Int>>,
    booleans: Param<Tensor<2, Bool>>,
    floats: Param<Tensor<3>>,
    flag: Param<Flag>,
}

impl TrunkModule for Assorted {
    fn forward(&self, inputs: Tensor<3>, _masks: &[Tensor<2>]) -> Tensor<2> {
        inputs.flatten(0, 1)
    }
}

struct AssortedSpec;

impl NetworkSpec for AssortedSpec {
    fn name(&self) -> &'static str {
        "assorted"
    }

    fn about(&self) -> &'static str {
        "One parameter of each kind."
    }

    fn type_name(&self) -> &'static str {
        "Assorted"
    }

    fn input(&self) -> TrunkInput {
        TrunkInput::Stacked
    }

    fn input_weight(&self) -> Option<&'static str> {
        None
    }

    fn features_dim(&self, _config: &NetworkConfig, inputs: usize) -> usize {
        inputs
    }

    fn build(&self, _: &NetworkConfig, _: usize, device: &Device) -> Result<Box<dyn TrunkModule>, PolicyError> {
        Ok(Box::new(Assorted {
            integers: Param::initialized(ParamId::new(), Tensor::zeros([4], device)),
            booleans: Param::initialized(ParamId::new(), Tensor::full([2, 2], true, device)),
            floats: Param::from_tensor(Tensor::zeros([2, 3, 4], device)),
            flag: Param::from_bool(true),
        }))
    }
}

struct Zeros;

impl ParameterSource for Zeros {
    fn parameter(&mut self, _: &str, shape: &[usize], _: ParameterInit) -> Result<Vec<f32>, PolicyError> {
        Ok(vec![0.0; shape.iter().product()])
    }
}

fn network() -> Network {
    let network = NetworkConfig { kind: NetworkKind::new(&AssortedSpec), ..NetworkConfig::default() };
    let config = PolicyConfig::new("test", 0.1, layout("o", 3), layout("a", 2), network, HeadConfig::default());
    Network::new(&config, &mut Zeros, &Device::flex()).unwrap()
}

/// Kind, rank, path and sum of every parameter.
#[derive(Default)]
struct Seen {
    path: Vec<String>,
    parameters: Vec<String>,
}

impl Seen {
    fn of(network: &Network) -> Vec<String> {
        let mut seen = Self::default();
        network.visit(&mut seen);
        assert!(seen.path.is_empty(), "{:?}", seen.path);
        seen.parameters
    }

    fn push(&mut self, kind: &str, sum: f32) {
        self.parameters.push(format!("{kind} {} {sum}", self.path.join(".")));
    }
}

impl ModuleVisitor for Seen {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.push(&format!("float{D}"), param.val().sum().into_data().iter::<f32>().sum());
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.push(&format!("int{D}"), param.val().sum().into_data().iter::<f32>().sum());
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.push(&format!("bool{D}"), param.val().float().sum().into_data().iter::<f32>().sum());
    }

    fn visit_flag(&mut self, flag: &Param<Flag>) {
        self.push("flag", f32::from(u8::from(flag.is_enabled())));
    }
}

/// Adds one to numbers and negates booleans and flags.
struct Change;

impl ModuleMapper for Change {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|values| values.add_scalar(1.0))
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        param.map(|values| values.add_scalar(1))
    }

    fn map_bool<const D: usize>(&mut self, param: Param<Tensor<D, Bool>>) -> Param<Tensor<D, Bool>> {
        param.map(|values| values.bool_not())
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        let enabled = flag.is_enabled();
        flag.with_value(!enabled)
    }
}

#[test]
fn every_kind_of_parameter_is_visited_and_mapped() {
    let network = network();
    let before = [
        "int1 trunk.Assorted.integers 0",
        "bool2 trunk.Assorted.booleans 4",
        "float3 trunk.Assorted.floats 0",
        "flag trunk.Assorted.flag 1",
        "float2 head.SquaredError.mean.weight 0",
        "float1 head.SquaredError.mean.bias 0",
    ];
    assert_eq!(Seen::of(&network), before);
    let after = [
        "int1 trunk.Assorted.integers 4",
        "bool2 trunk.Assorted.booleans 0",
        "float3 trunk.Assorted.floats 24",
        "flag trunk.Assorted.flag 0",
        "float2 head.SquaredError.mean.weight 6",
        "float1 head.SquaredError.mean.bias 2",
    ];
    assert_eq!(Seen::of(&network.clone().map(&mut Change)), after);
    assert_eq!(Seen::of(&network), before, "a clone is independent");
    assert_eq!(network.num_params(), 24 + 6 + 2);
    assert_eq!(network.devices(), [Device::flex()]);
}

#[test]
fn training_and_freezing_reach_the_parameters() {
    let on_autodiff = network().train();
    let mut unfrozen = Gradients::default();
    on_autodiff.visit(&mut unfrozen);
    assert_eq!(unfrozen.0, [true; 3]);
    let mut frozen = Gradients::default();
    on_autodiff.freeze().visit(&mut frozen);
    assert_eq!(frozen.0, [false; 3]);
}

/// Whether each parameter of floats requires gradients.
#[derive(Default)]
struct Gradients(Vec<bool>);

impl ModuleVisitor for Gradients {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.val().is_require_grad());
    }
}
