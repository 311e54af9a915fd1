module example.com/Mod

go 1.21
