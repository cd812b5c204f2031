"""What is particular to Hangzhou: its districts, the places that weigh more, the days that hold."""

CITY = {
    "code": "330100",
    "name": "杭州市",
    "name_en": "Hangzhou",
    "cell_sequence_length": 3,
    "valid_from": "2021-04-09",  # the day the districts were drawn anew
    "base_map_attribution": "© OpenStreetMap contributors",
    "borders": "schematic",
}
OLD_CODES_FROM = "2020-06-30"  # the day of the list of 2020
DISTRICTS = {"330102": "上城区", "330105": "拱墅区", "330106": "西湖区", "330108": "滨江区"}

# The lake itself is no road block: its ground goes to the street that manages the scenic area.
LAKE = {"name": "西湖", "street": "330106008"}
MANAGEMENT_AREA = {
    "code": "west-lake-scenic-area",
    "name": "西湖风景名胜区",
    "name_en": "West Lake Scenic Area",
    "street": "330106008",
}

# Key zones: cells whose middle is within so many metres of a metro station (or of the lake).
KEY_PLACES = (
    ("wulin", "武林商圈", "Wulin", "武林广场", 700),
    ("hubin", "湖滨商圈", "Lakeside", "龙翔桥", 450),
    ("qianjiang-new-town", "钱江新城", "Qianjiang New Town", "市民中心", 900),
    ("east-station", "火车东站", "East Railway Station", "火车东站（东广场）", 700),
    ("city-station", "城站", "City Railway Station", "城站", 450),
    ("huanglong", "黄龙", "Huanglong", "黄龙洞", 500),
    ("gongchen-bridge", "拱宸桥运河", "Gongchen Bridge", "拱宸桥东", 500),
    ("binjiang-centre", "滨江区政府", "Binjiang Centre", "江陵路", 600),
)
LAKE_FRONT = ("west-lake-front", "西湖沿线", "West Lake Front", 250)
# A street is a control zone (built-up core) when so much of its ground is divided finely.
CONTROL_SHARE = 0.6
