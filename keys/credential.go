package keys

// The names of the request headers that carry the pair of key and token, unless the operator chose
// others. They are those of the platform that the console is modelled on.
const (
	DefaultKeyHeader   = "X-VTEX-API-AppKey"
	DefaultTokenHeader = "X-VTEX-API-AppToken"
)
