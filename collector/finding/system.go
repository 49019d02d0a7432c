package finding

// System is one of the two shops of a migration, as labels, the configuration and the JSON name it.
type System string

// The two systems. The tool calls Magento 1's database its source and Magento 2's its destination.
const (
	Magento1 System = "magento1"
	Magento2 System = "magento2"
)

// Label is the system's name for people.
func (s System) Label() string {
	if s == Magento1 {
		return "Magento 1"
	}
	return "Magento 2"
}

// Registry is the table in which the system keeps its modules' versions: each has a name that the other lacks.
func (s System) Registry() string {
	if s == Magento1 {
		return "core_resource"
	}
	return "setup_module"
}
