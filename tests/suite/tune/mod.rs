mod parzen;
mod search;
