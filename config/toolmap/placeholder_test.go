package toolmap

import "testing"

// TestRewrite has the results of the tool's own code, run by PHP.
func TestRewrite(t *testing.T) {
	classes, err := ParseClassMap("class-map.xml", []byte(`<classmap><rename><from>catalog/product_widget_new</from>`+
		`<to>Magento\Catalog\Block\Product\Widget\NewWidget</to></rename><rename><from>core/template</from>`+
		`<to>Magento\Framework\View\Element\Template</to></rename><rename><from>gone/block</from><to/></rename></classmap>`))
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range rewritten() {
		if got := classes.Rewrite(in); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
	}
}

func rewritten() map[string]string {
	return map[string]string{
		"": "",
		"plain <a href=\"{{store url=\"\"}}\">x</a> type=\"core/template\"":                                                                      "plain <a href=\"{{store url=\"\"}}\">x</a> type=\"core/template\"",
		"a {{widget type=\"catalog/product_widget_new\" products_count=\"5\" template=\"catalog/product/widget/new/content/new_grid.phtml\"}} b": "a {{widget type=\"Magento\\\\Catalog\\\\Block\\\\Product\\\\Widget\\\\NewWidget\" products_count=\"5\" template=\"product/widget/new/content/new_grid.phtml\"}} b",
		"{{block type=\"core/template\" template=\"page/html/x.phtml\"}} and {{block type=\"core/template\" name=\"y\"}}":                        "{{block type=\"Magento\\\\Framework\\\\View\\\\Element\\\\Template\" template=\"html/x.phtml\"}} and {{block type=\"Magento\\\\Framework\\\\View\\\\Element\\\\Template\" name=\"y\"}}",
		"{{widget type=\"acme/slider\" id=\"3\"}} tail":                                                                                          " tail",
		"x {{widget type=\"acme/slider\"\nid=\"3\"}} y":                                                                                          "x {{widget type=\"acme/slider\"\nid=\"3\"}} y",
		"{{widget type=\"acme/a\" x=\"1\"}} {{widget type=\"core/template\" template=\"a/b/c.phtml\"}}":                                          " {{widget type=\"Magento\\\\Framework\\\\View\\\\Element\\\\Template\" template=\"b/c.phtml\"}}",
		"{{block type=\"gone/block\" id=\"q\"}}":                                                                                                 "{{block type=\"\" id=\"q\"}}",
		"{{widget type=\"acme/ä\" id=\"1\"}} ü":                                                                                                  "{{widget type=\"acme/ä\" id=\"1\"}} ü",
		"{{block id=\"1\"}} <img src=\"a/b\"> template=\"x/y/z.phtml\" {{block id=\"2\"}}":                                                       "{{block id=\"1\"}} <img src=\"a/b\"> template=\"y/z.phtml\" {{block id=\"2\"}}",
		"<input type=\"core/template\"> {{widget a=\"1\"}}":                                                                                      "<input type=\"Magento\\\\Framework\\\\View\\\\Element\\\\Template\"> {{widget a=\"1\"}}",
		"{{widget type=\"acme_x/y-z\" a=\"{{b}}\"}}c}}":                                                                                          "\"}}c}}",
		"{{block type=\"core/template\" template=\"one.phtml\"}} {{block type=\"core/template\" template=\"dir/two.phtml\"}}":                    "{{block type=\"Magento\\\\Framework\\\\View\\\\Element\\\\Template\" template=\"two.phtml\"}}",
	}
}

// TestSettingsRules asks a map of settings for each kind of rule.
func TestSettingsRules(t *testing.T) {
	s, err := ParseSettings("settings.xml", []byte(`<settings><key><ignore><path>web/cookie/*</path></ignore>`+
		`<ignore><path>dev/log/file</path></ignore><rename><path>a/b/c</path><to>d/e/f</to></rename></key><value>`+
		`<transform><path>a/b/c</path><handler class="\Migration\Handler\Encrypt"><param name="x" value="y"/></handler>`+
		`</transform></value></settings>`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"web/cookie/lifetime": "", "web/cookie/": "web/cookie/", "dev/log/file": "", "dev/log/files": "dev/log/files",
		"a/b/c": "d/e/f", "webXcookie/x": "webXcookie/x",
	} {
		if got, mapped := s.Target(path); got != want || mapped != (want != "") {
			t.Errorf("%s becomes %q (%v), want %q", path, got, mapped, want)
		}
	}
	if h, found := s.Handler("a/b/c"); !found || h.Class != `Migration\Handler\Encrypt` || h.Params["x"] != "y" {
		t.Errorf("%+v (%v)", h, found)
	}
	if _, found := s.Handler("d/e/f"); found {
		t.Error("a rule belongs to the path of Magento 1")
	}
}
