//! Burn modules behind trait objects. Burn's `Module` has generic methods and methods that return `Self`, so that it
//! cannot be made into an object; here each method gets a counterpart that can, once for all families of modules.

use std::any::Any;
use std::fmt::{self, Debug, Formatter};
use std::ops::Deref;

use burn::module::{
    Content, Devices, Flag, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor, Param,
};
use burn::tensor::{Bool, Device, Float, Int, Tensor};

/// A family of modules with a common trait, such as the heads.
pub trait Family: Sized + 'static {
    /// The container type that Burn's visitors are given for the family, such as `Enum:Head`.
    const CONTAINER: &'static str;
    /// The trait object, such as `dyn HeadModule`.
    type Object: ErasedModule<Self> + ?Sized;
}

/// A module as the trait object of its family. Each family implements it for all of its modules.
pub trait IntoObject<F: Family> {
    /// The module in a box.
    fn into_object(self) -> Box<F::Object>;
}

/// The methods of Burn's `Module` for the trait object of a family. Every module that implements the trait of a family has
/// it; its parameters have at most 8 dimensions.
pub trait ErasedModule<F: Family>: Debug + Send + Sync {
    /// `Clone::clone`; the clones share the tensors.
    fn clone_object(&self) -> Box<F::Object>;
    /// `Module::collect_devices`.
    fn add_devices(&self, devices: Devices) -> Devices;
    /// `Module::fork`.
    fn fork_object(self: Box<Self>, device: &Device) -> Box<F::Object>;
    /// `Module::to_device`.
    fn move_object(self: Box<Self>, device: &Device) -> Box<F::Object>;
    /// `Module::train`.
    fn train_object(self: Box<Self>) -> Box<F::Object>;
    /// `Module::valid`.
    fn valid_object(&self) -> Box<F::Object>;
    /// `Module::materialize`.
    fn materialize_object(self: Box<Self>) -> Box<F::Object>;
    /// `Module::visit`.
    fn visit_object(&self, visitor: &mut dyn ErasedVisitor);
    /// `Module::map`.
    fn map_object(self: Box<Self>, mapper: &mut dyn ErasedMapper) -> Box<F::Object>;
    /// For a downcast to the module's type.
    fn as_any(&self) -> &dyn Any;
}

impl<F: Family, M: Module + IntoObject<F> + Sync + 'static> ErasedModule<F> for M {
    fn clone_object(&self) -> Box<F::Object> {
        self.clone().into_object()
    }

    fn add_devices(&self, devices: Devices) -> Devices {
        self.collect_devices(devices)
    }

    fn fork_object(self: Box<Self>, device: &Device) -> Box<F::Object> {
        (*self).fork(device).into_object()
    }

    fn move_object(self: Box<Self>, device: &Device) -> Box<F::Object> {
        (*self).to_device(device).into_object()
    }

    fn train_object(self: Box<Self>) -> Box<F::Object> {
        (*self).train().into_object()
    }

    fn valid_object(&self) -> Box<F::Object> {
        self.valid().into_object()
    }

    fn materialize_object(self: Box<Self>) -> Box<F::Object> {
        (*self).materialize().into_object()
    }

    fn visit_object(&self, visitor: &mut dyn ErasedVisitor) {
        self.visit(&mut Unerased(visitor));
    }

    fn map_object(self: Box<Self>, mapper: &mut dyn ErasedMapper) -> Box<F::Object> {
        (*self).map(&mut Unerased(mapper)).into_object()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Burn's `ModuleVisitor` as a trait object. A parameter is a `Param<Tensor<D>>` of the method's element type.
pub trait ErasedVisitor {
    /// `ModuleVisitor::enter_module`.
    fn enter(&mut self, name: &str, container: &str);
    /// `ModuleVisitor::exit_module`.
    fn exit(&mut self, name: &str, container: &str);
    /// `ModuleVisitor::visit_float`.
    fn float(&mut self, param: &dyn Any);
    /// `ModuleVisitor::visit_int`.
    fn int(&mut self, param: &dyn Any);
    /// `ModuleVisitor::visit_bool`.
    fn bool(&mut self, param: &dyn Any);
    /// `ModuleVisitor::visit_flag`.
    fn flag(&mut self, flag: &Param<Flag>);
}

/// Burn's `ModuleMapper` as a trait object. A slot is an `Option<Param<Tensor<D>>>` that holds the parameter, and after the
/// call the mapped one.
pub trait ErasedMapper {
    /// `ModuleMapper::enter_module`.
    fn enter(&mut self, name: &str, container: &str);
    /// `ModuleMapper::exit_module`.
    fn exit(&mut self, name: &str, container: &str);
    /// `ModuleMapper::map_float`.
    fn float(&mut self, slot: &mut dyn Any);
    /// `ModuleMapper::map_int`.
    fn int(&mut self, slot: &mut dyn Any);
    /// `ModuleMapper::map_bool`.
    fn bool(&mut self, slot: &mut dyn Any);
    /// `ModuleMapper::map_flag`.
    fn flag(&mut self, flag: Param<Flag>) -> Param<Flag>;
}

/// Call `$visit` with a parameter of the rank that it has.
macro_rules! visit_rank {
    ($visitor:ident, $visit:ident, $kind:ty, $param:ident; $($rank:literal)*) => {
        $(if let Some(param) = $param.downcast_ref::<Param<Tensor<$rank, $kind>>>() {
            return $visitor.$visit(param);
        })*
        panic!("a parameter of more than 8 dimensions in a registered network or head");
    };
}

/// Replace the parameter in a slot by what `$map` makes of it, with the rank that it has.
macro_rules! map_rank {
    ($mapper:ident, $map:ident, $kind:ty, $slot:ident; $($rank:literal)*) => {
        $(if let Some(slot) = $slot.downcast_mut::<Option<Param<Tensor<$rank, $kind>>>>() {
            *slot = slot.take().map(|param| $mapper.$map(param));
            return;
        })*
        panic!("a parameter of more than 8 dimensions in a registered network or head");
    };
}

impl<V: ModuleVisitor> ErasedVisitor for V {
    fn enter(&mut self, name: &str, container: &str) {
        self.enter_module(name, container);
    }

    fn exit(&mut self, name: &str, container: &str) {
        self.exit_module(name, container);
    }

    fn float(&mut self, param: &dyn Any) {
        visit_rank!(self, visit_float, Float, param; 2 1 3 4 5 6 7 8);
    }

    fn int(&mut self, param: &dyn Any) {
        visit_rank!(self, visit_int, Int, param; 2 1 3 4 5 6 7 8);
    }

    fn bool(&mut self, param: &dyn Any) {
        visit_rank!(self, visit_bool, Bool, param; 2 1 3 4 5 6 7 8);
    }

    fn flag(&mut self, flag: &Param<Flag>) {
        self.visit_flag(flag);
    }
}

impl<M: ModuleMapper> ErasedMapper for M {
    fn enter(&mut self, name: &str, container: &str) {
        self.enter_module(name, container);
    }

    fn exit(&mut self, name: &str, container: &str) {
        self.exit_module(name, container);
    }

    fn float(&mut self, slot: &mut dyn Any) {
        map_rank!(self, map_float, Float, slot; 2 1 3 4 5 6 7 8);
    }

    fn int(&mut self, slot: &mut dyn Any) {
        map_rank!(self, map_int, Int, slot; 2 1 3 4 5 6 7 8);
    }

    fn bool(&mut self, slot: &mut dyn Any) {
        map_rank!(self, map_bool, Bool, slot; 2 1 3 4 5 6 7 8);
    }

    fn flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.map_flag(flag)
    }
}

/// A visitor or mapper that a module's generic methods accept.
struct Unerased<'a, T: ?Sized>(&'a mut T);

impl<'v> ModuleVisitor for Unerased<'_, dyn ErasedVisitor + 'v> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.0.enter(name, container_type);
    }

    fn exit_module(&mut self, name: &str, container_type: &str) {
        self.0.exit(name, container_type);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.float(param);
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.0.int(param);
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.0.bool(param);
    }

    fn visit_flag(&mut self, flag: &Param<Flag>) {
        self.0.flag(flag);
    }
}

/// The parameter of a slot after the mapper's call, which leaves it filled.
fn mapped<T>(slot: Option<T>) -> T {
    slot.expect("a mapper returns every parameter")
}

impl<'v> ModuleMapper for Unerased<'_, dyn ErasedMapper + 'v> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.0.enter(name, container_type);
    }

    fn exit_module(&mut self, name: &str, container_type: &str) {
        self.0.exit(name, container_type);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let mut slot = Some(param);
        self.0.float(&mut slot);
        mapped(slot)
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        let mut slot = Some(param);
        self.0.int(&mut slot);
        mapped(slot)
    }

    fn map_bool<const D: usize>(&mut self, param: Param<Tensor<D, Bool>>) -> Param<Tensor<D, Bool>> {
        let mut slot = Some(param);
        self.0.bool(&mut slot);
        mapped(slot)
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.0.flag(flag)
    }
}

/// Any module of a family, itself a module. Its parameters are named by the name that it is given, then by the module's
/// fields: `head` of a network is `head.Gaussian.mean.weight`.
pub struct Erased<F: Family> {
    name: &'static str,
    module: Box<F::Object>,
}

impl<F: Family> Erased<F> {
    /// A module with its name in the names of its parameters.
    pub(super) fn new(name: &'static str, module: Box<F::Object>) -> Self {
        Self { name, module }
    }
}

impl<F: Family> Deref for Erased<F> {
    type Target = F::Object;

    fn deref(&self) -> &F::Object {
        &self.module
    }
}

impl<F: Family> Clone for Erased<F> {
    fn clone(&self) -> Self {
        Self::new(self.name, self.module.clone_object())
    }
}

impl<F: Family> Debug for Erased<F> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple(self.name).field(&self.module).finish()
    }
}

impl<F: Family> Module for Erased<F> {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.module.add_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        Self::new(self.name, self.module.fork_object(device))
    }

    fn to_device(self, device: &Device) -> Self {
        Self::new(self.name, self.module.move_object(device))
    }

    fn train(self) -> Self {
        Self::new(self.name, self.module.train_object())
    }

    fn valid(&self) -> Self {
        Self::new(self.name, self.module.valid_object())
    }

    fn materialize(self) -> Self {
        Self::new(self.name, self.module.materialize_object())
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        visitor.enter_module(self.name, F::CONTAINER);
        self.module.visit_object(visitor);
        visitor.exit_module(self.name, F::CONTAINER);
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        mapper.enter_module(self.name, F::CONTAINER);
        let module = self.module.map_object(mapper);
        mapper.exit_module(self.name, F::CONTAINER);
        Self::new(self.name, module)
    }
}

impl<F: Family> ModuleDisplayDefault for Erased<F> {
    fn content(&self, content: Content) -> Option<Content> {
        content.set_top_level_type(self.name).optional()
    }

    fn num_params(&self) -> usize {
        Module::num_params(self)
    }
}

impl<F: Family> ModuleDisplay for Erased<F> {}
