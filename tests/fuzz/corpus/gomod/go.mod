// A comment.
module k8s.io/kubernetes

go 1.26.0

godebug (
	default=go1.26
)

require (
	github.com/BurntSushi/toml v1.5.0 // indirect
	k8s.io/api v0.0.0
)

exclude example.com/bad v1.0.0

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	example.com/old v1.0.0 => example.com/new v1.0.1
)
