module live

go 1.23

require recollect.example/clients/go v1.0.0

replace recollect.example/clients/go => ../client
