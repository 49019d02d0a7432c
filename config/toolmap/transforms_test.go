package toolmap

import (
	"testing"
)

func TestTransforms(t *testing.T) {
	t.Parallel()
	m, err := Parse("map.xml", []byte(`<map><source><field_rules>
<transform><field>a.value</field><handler class="\Migration\Handler\ConvertEavValue"><param name="attributeCode" value="page_layout"/></handler></transform>
<transform><field>a.value</field><handler class="Acme\Handler"/></transform>
<transform><handler class="Acme\Lost"/></transform>
</field_rules></source><destination/></map>`), AnyNumber)
	if err != nil {
		t.Fatal(err)
	}
	got := m.Transforms("a", "value", Source)
	if len(got) != 2 || got[0].Class != `Migration\Handler\ConvertEavValue` ||
		got[0].Params["attributeCode"] != "page_layout" || got[1].Class != `Acme\Handler` {
		t.Errorf("%+v", got)
	}
	if got := m.Transforms("a", "value", Destination); got != nil {
		t.Errorf("the other side has no rule: %+v", got)
	}
}
