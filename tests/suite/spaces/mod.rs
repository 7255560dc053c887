mod hardly_varied;
