module recollect.example/clients/go

go 1.23

require (
)
