"""How the names of places compare, and how they read in English.

Names compare folded: full-width letters and digits as half-width ones, traditional characters that
names of places use as simplified ones, without spaces and punctuation, in small letters.
"""

from __future__ import annotations

import re
import unicodedata

from common.pinyin import romanised, search_keys

# Traditional characters of place names, each before its simplified form.
_PAIRS = (
    "號号區区東东灣湾橋桥園园廣广場场樓楼廈厦龍龙門门錢钱濱滨蘇苏觀观運运風风書书學学與与醫医國国華华綠绿慶庆鳳凤豐丰興兴馬马魚鱼鳥鸟車车鐵铁長长張张陳陈劉刘楊杨趙赵黃黄吳吴孫孙許许"
    "鄭郑謝谢馮冯葉叶蔣蒋盧卢羅罗賢贤義义禮礼聖圣靈灵嶺岭嶼屿溝沟澗涧漲涨漢汉湯汤潤润澤泽滙汇匯汇塢坞壩坝墻墙墳坟壟垄墊垫業业產产際际階阶陽阳陰阴隊队險险雙双雜杂雲云電电霧雾靜静韻韵"
    "頂顶順顺頭头顏颜願愿顯显飛飞館馆餘余駐驻騎骑驛驿體体鬧闹鄉乡鄰邻鄧邓鋼钢銀银鋪铺錦锦鎮镇鏡镜鐘钟關关閣阁開开間间閘闸陸陆隱隐離离雞鸡難难韓韩項项須须頤颐萬万蘭兰蓮莲薩萨藍蓝藝艺"
    "藥药蘆芦處处虛虚蠶蚕術术衛卫補补複复見见規规視视覺觉訂订計计記记設设詩诗語语誠诚說说請请論论證证識识議议護护變变讓让豬猪貝贝財财貢贡貨货貿贸賀贺賓宾賣卖質质賴赖購购贊赞軍军軒轩"
    "輕轻輝辉輪轮轉转辦办農农這这進进遠远適适選选遷迁還还邊边時时曉晓會会條条來来棟栋楓枫榮荣樂乐樣样標标樹树機机檔档檢检檸柠欄栏權权歐欧歲岁歷历歸归殘残殺杀氣气決决沒没沖冲況况淨净"
    "淺浅淵渊渾浑湊凑溫温滿满漁渔漸渐潔洁潛潜濟济瀾澜灘滩燈灯燒烧爐炉爭争爺爷牆墙狀状獅狮獎奖獨独現现瑪玛環环瓊琼畫画異异療疗發发盜盗監监盤盘眾众礦矿碼码祿禄禪禅種种積积穩稳穀谷窯窑"
    "筆笔節节範范築筑篤笃簡简糧粮紀纪紅红級级紗纱純纯紙纸細细終终組组結结給给統统經经綜综綱纲網网維维緒绪線线緣缘編编練练縣县總总織织繞绕繡绣繩绳繪绘續续聯联聲声職职聽听肅肃脈脉腦脑"
    "臨临臺台舉举舊旧艦舰艱艰莊庄蒼苍蔭荫蕭萧薦荐蘊蕴億亿倉仓個个倫伦偉伟側侧備备傑杰傳传僑侨儲储優优兒儿兩两冊册凍冻凱凯劃划劇剧劍剑動动務务勝胜勞劳勢势勵励勻匀協协單单衆众參参叢丛"
    "員员問问啟启喬乔嘯啸嚴严圍围圓圆圖图團团執执堅坚報报塊块塵尘壇坛壓压壘垒壯壮壽寿夢梦夾夹奧奥嬰婴孃娘寧宁寶宝實实審审寬宽將将專专尋寻對对導导屆届層层屬属岡冈島岛峽峡崗岗嵐岚巖岩"
    "帥帅師师帳帐帶带幣币幫帮幹干幾几庫库廁厕廚厨廟庙廠厂廢废強强彈弹後后徑径從从復复徵征愛爱態态慮虑憲宪應应懷怀戰战戲戏戶户掃扫採采換换揚扬損损搖摇搶抢據据擁拥擇择擊击擋挡擴扩擺摆"
    "攝摄敵敌數数斷断無无晉晋晝昼暢畅曆历朧胧"
)
_SIMPLIFIED = str.maketrans(_PAIRS[::2], _PAIRS[1::2])

# What ends a name, and what that is in English; the longest first.
_ROADS = (
    ("快速路", "Expressway"),
    ("高架路", "Elevated Road"),
    ("高架", "Elevated Road"),
    ("高速", "Expressway"),
    ("隧道", "Tunnel"),
    ("大道", "Avenue"),
    ("大街", "Avenue"),
    ("大桥", "Bridge"),
    ("路", "Road"),
    ("街", "Street"),
    ("巷", "Lane"),
    ("弄", "Alley"),
    ("桥", "Bridge"),
    ("堤", "Causeway"),
)
_OTHERS = (
    ("公交总站", "Bus Terminal"),
    ("地铁站", "Metro Station"),
    ("火车站", "Railway Station"),
    ("科技园", "Science Park"),
    ("工业园", "Industrial Park"),
    ("体育馆", "Gymnasium"),
    ("博物馆", "Museum"),
    ("图书馆", "Library"),
    ("小区", "Residential Area"),
    ("公园", "Park"),
    ("广场", "Plaza"),
    ("大厦", "Tower"),
    ("中心", "Centre"),
    ("花园", "Gardens"),
    ("公寓", "Apartments"),
    ("医院", "Hospital"),
    ("大学", "University"),
    ("学校", "School"),
    ("中学", "Middle School"),
    ("小学", "Primary School"),
    ("酒店", "Hotel"),
    ("宾馆", "Hotel"),
    ("市场", "Market"),
)
_SIDES = {"东": "East", "西": "West", "南": "South", "北": "North", "中": "Middle"}
CROSSING = "交叉口"  # how the gazetteer ends the name of a crossing
CROSSING_EN = "Crossing of "
AND = "与"
_LANE = re.compile(r"(.+[路街道巷])(\d+)弄")
_NUMBERED = re.compile(r"(\d+)号(大街|路|街)")


def tidy(text: str) -> str:
    """Return text with half-width letters, simplified characters and single spaces."""
    text = unicodedata.normalize("NFKC", text).translate(_SIMPLIFIED)
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def fold(name: str) -> str:
    """Return the form in which names compare.

    >>> fold("绿城·致诚苑 Ａ座")
    '绿城致诚苑a座'
    """
    return "".join(char for char in tidy(name).lower() if char.isalnum())


def crossing_name(road: str, other: str) -> str:
    """Return how the gazetteer names the crossing of two roads."""
    return f"{road}{AND}{other}{CROSSING}"


def roads_of(crossing: str) -> tuple[str, str] | None:
    """Return the two roads that the name of a crossing names, None for another name.

    >>> roads_of("文三路与教工路交叉口")
    ('文三路', '教工路')
    """
    road, found, other = crossing.removesuffix(CROSSING).partition(AND)
    return (road, other) if found and crossing.endswith(CROSSING) and road and other else None


def english_name(name: str) -> str:
    """Return how a name reads in English: the pinyin, and the word for what it is.

    >>> english_name("文三路"), english_name("中山北路"), english_name("文三路与教工路交叉口")
    ('Wensan Road', 'Zhongshan North Road', 'Crossing of Wensan Road and Jiaogong Road')
    """
    name = tidy(name)
    if roads := roads_of(name):
        return f"{CROSSING_EN}{english_name(roads[0])} and {english_name(roads[1])}"
    if lane := _LANE.fullmatch(name):
        return f"Lane {lane[2]}, {english_name(lane[1])}"
    if numbered := _NUMBERED.fullmatch(name):
        return f"No. {numbered[1]} {dict(_ROADS)[numbered[2]]}"
    for ending, word in (*_ROADS, *_OTHERS):
        stem = name.removesuffix(ending)
        if stem != name and len(stem) > 1:
            side = _SIDES.get(stem[-1]) if (ending, word) in _ROADS and len(stem) > 2 else None
            stem = stem[:-1] if side else stem
            return " ".join(filter(None, (romanised(stem), side, word)))
    return romanised(name)


def search_forms(name: str, kind: str = "") -> dict[str, str]:
    """Return the forms in which a place's name is searched, and its English name, by column.

    The sound of a crossing is that of its roads.
    """
    pinyin, initials = ("", "") if kind == "junction" else search_keys(name)
    forms = {"folded": fold(name), "pinyin": pinyin, "initials": initials}
    return {**forms, "name_en": english_name(name)}
